package org.hetermoe.coordinator.run;

import com.fasterxml.jackson.databind.ObjectMapper;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.hetermoe.coordinator.CoordinatorConfig;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.run.Json;
import org.hetermoe.run.RunSpec;

/** Reads run files, and checks what only this machine can tell about them. */
@ApplicationScoped
class RunFiles {
  private final boolean sharedFilesystem;

  RunFiles(CoordinatorConfig config) {
    this.sharedFilesystem = config.sharedFilesystem();
  }

  RunSpec read(byte[] body, boolean yaml) {
    RunSpec spec;
    try {
      ObjectMapper mapper = yaml ? Json.YAML : Json.MAPPER;
      spec = mapper.readValue(body, RunSpec.class);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (sharedFilesystem) {
      checkFiles(spec);
    }
    return spec;
  }

  private static void checkFiles(RunSpec spec) {
    String source = spec.data().source();
    if (!source.equals("jdk") && !exists(fixedPart(source))) {
      throw new InvalidFieldException("data.source", "does not exist: " + source);
    }
    String tokenizer = spec.data().tokenizer();
    if (!tokenizer.equals("bytes") && !exists(tokenizer)) {
      throw new InvalidFieldException("data.tokenizer", "does not exist: " + tokenizer);
    }
  }

  /** The folder above the first element of a glob that is a pattern; other paths as they are. */
  private static String fixedPart(String source) {
    for (int i = 0; i < source.length(); i++) {
      if ("*?[{".indexOf(source.charAt(i)) >= 0) {
        int separator = source.lastIndexOf('/', i);
        return separator < 0 ? "." : source.substring(0, Math.max(1, separator));
      }
    }
    return source;
  }

  private static boolean exists(String path) {
    try {
      return Files.exists(Path.of(path));
    } catch (InvalidPathException e) {
      return false;
    }
  }
}
