package org.hetermoe.cli.stack;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Base64;

/**
 * The one directory in which the stack keeps everything: databases, logs, tokens, its own state.
 *
 * @param root the directory, absolute
 */
public record DataDirectory(Path root) {
  public DataDirectory {
    root = root.toAbsolutePath().normalize();
  }

  /**
   * Creates it, readable by its owner alone, unless it exists.
   *
   * @throws StackException if it cannot be created or is no directory
   */
  public void create() {
    try {
      if (!Files.isDirectory(root)) {
        Files.createDirectories(root);
        Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwx------"));
      }
      for (Path directory : new Path[] {logs(), tokens(), kafka()}) {
        Files.createDirectories(directory);
      }
    } catch (IOException e) {
      throw new StackException("cannot create the data directory " + root + ": " + e, e);
    }
  }

  /** Where logs are. */
  public Path logs() {
    return root.resolve("logs");
  }

  /** The log of one process. */
  public Path log(String process) {
    return logs().resolve(process + ".log");
  }

  Path state() {
    return root.resolve("stack.json");
  }

  Path lock() {
    return root.resolve("stack.lock");
  }

  Path use() {
    return root.resolve("stack.use");
  }

  Path postgres() {
    return root.resolve("postgresql");
  }

  Path postgresBinaries() {
    return root.resolve("postgresql-binaries");
  }

  Path kafka() {
    return root.resolve("kafka");
  }

  /** Packed token files. */
  public Path tokens() {
    return root.resolve("tokens");
  }

  /** Tells that the process whose id it contains has started its server. */
  Path ready(String process) {
    return root.resolve(process + ".ready");
  }

  Path passwordFile() {
    return root.resolve("postgresql.password");
  }

  /** The database password of this directory; made up at first use, readable by the owner alone. */
  String password() {
    Path file = passwordFile();
    try {
      if (!Files.exists(file)) {
        byte[] random = new byte[24];
        new SecureRandom().nextBytes(random);
        Path fresh =
            Files.createTempFile(
                root,
                "postgresql",
                ".password",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(fresh, Base64.getUrlEncoder().withoutPadding().encodeToString(random));
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
      }
      return Files.readString(file).strip();
    } catch (IOException e) {
      throw new StackException("cannot read or write " + file + ": " + e, e);
    }
  }
}
