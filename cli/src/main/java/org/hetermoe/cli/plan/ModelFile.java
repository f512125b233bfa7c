package org.hetermoe.cli.plan;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.hetermoe.cli.UsageException;
import org.hetermoe.model.KnownModels;
import org.hetermoe.model.ModelShape;
import org.hetermoe.run.Json;

/** The sizes of a model by name or from a file. */
final class ModelFile {
  private ModelFile() {}

  /**
   * A known model, or the one that a YAML file describes.
   *
   * @throws UsageException if the file cannot be used
   * @throws org.hetermoe.model.InvalidFieldException if nobody knows the name
   */
  static ModelShape read(String nameOrFile) {
    Path file = Path.of(nameOrFile);
    if (!Files.isRegularFile(file)) {
      return KnownModels.of(nameOrFile);
    }
    try {
      return Json.YAML.readValue(Files.readString(file), ModelShape.class);
    } catch (JsonProcessingException malformed) {
      throw new UsageException(
          file + ": " + malformed.getOriginalMessage().lines().findFirst().orElse("malformed"));
    } catch (IOException unreadable) {
      throw new UsageException(file + " cannot be read: " + unreadable.getMessage());
    }
  }
}
