package org.hetermoe.cli.stack;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** A file by which a host process says that its server serves: it contains the host's id. */
record ReadyFile(Path file) {
  /** Says so for this process. */
  void write() throws IOException {
    Path fresh = file.resolveSibling(file.getFileName() + ".new");
    Files.writeString(fresh, Long.toString(ProcessHandle.current().pid()));
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Takes back what an earlier process said. */
  void delete() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new StackException("cannot delete " + file + ": " + e, e);
    }
  }

  /** Whether that process has said so. */
  boolean names(long pid) {
    try {
      return Files.readString(file).equals(Long.toString(pid));
    } catch (NoSuchFileException e) {
      return false;
    } catch (IOException e) {
      throw new StackException("cannot read " + file + ": " + e, e);
    }
  }
}
