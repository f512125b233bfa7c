package org.hetermoe.data;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.hetermoe.model.InvalidFieldException;

/** Opens the tokenizer that a run file names. */
public final class Tokenizers {
  private Tokenizers() {}

  /**
   * Opens a tokenizer.
   *
   * @param spec {@code bytes}, or the path of a Hugging Face {@code tokenizer.json} or of the
   *     folder that holds it
   * @throws InvalidFieldException about {@code data.tokenizer} if there is none or it is unusable
   */
  public static Tokenizer open(String spec) {
    if (spec.equals("bytes")) {
      return new ByteTokenizer();
    }
    Path path;
    try {
      path = Path.of(spec);
    } catch (InvalidPathException invalid) {
      throw absent(spec, invalid);
    }
    if (Files.isDirectory(path)) {
      path = path.resolve("tokenizer.json");
    }
    if (!Files.isRegularFile(path)) {
      throw absent(spec, null);
    }
    return SubwordTokenizer.open(path);
  }

  private static InvalidFieldException absent(String spec, Throwable cause) {
    InvalidFieldException absent =
        new InvalidFieldException(
            "data.tokenizer",
            "must be 'bytes' or the path of a tokenizer.json; there is no file '" + spec + "'");
    if (cause != null) {
      absent.initCause(cause);
    }
    return absent;
  }
}
