package org.hetermoe.coordinator.run;

import jakarta.enterprise.context.ApplicationScoped;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import org.hetermoe.coordinator.config.CoordinatorConfig;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.RunSpecReader;

/** Reads run files, and checks what only this machine can tell about them. */
@ApplicationScoped
class RunFiles {
  private final boolean sharedFilesystem;

  RunFiles(CoordinatorConfig config) {
    this.sharedFilesystem = config.sharedFilesystem();
  }

  /**
   * Reads a run file.
   *
   * @param body YAML or JSON in UTF-8
   * @throws InvalidFieldException if anything in it is unusable
   */
  RunSpec read(byte[] body) {
    if (body == null || body.length == 0) {
      throw new InvalidFieldException(RunSpecReader.WHOLE, "must not be empty");
    }
    RunSpec spec = RunSpecReader.read(text(body), List.of());
    if (sharedFilesystem) {
      checkFiles(spec);
    }
    return spec;
  }

  private static String text(byte[] body) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString();
    } catch (CharacterCodingException e) {
      InvalidFieldException problem =
          new InvalidFieldException(RunSpecReader.WHOLE, "is not text in UTF-8");
      problem.initCause(e);
      throw problem;
    }
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
