package org.hetermoe.weights;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Objects;

/** Folders of models and results that transformers computed. */
public final class Golden {
  private Golden() {}

  /** The folder of a case, with model.safetensors, config.json, expected.safetensors, case.json. */
  public static Path folder(String name) {
    try {
      return Path.of(
          Objects.requireNonNull(Golden.class.getResource("/golden/" + name), name).toURI());
    } catch (URISyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
