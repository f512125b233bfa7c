package org.hetermoe.cli.doctor;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What the services of the one-machine stack need besides: ports, disk, a place for libraries. */
final class LocalStack {
  private static final String SECTION = "one-machine stack";
  private static final long LEAST_DISK = 2L << 30;

  private LocalStack() {}

  /** Findings about the stack that keeps its data in {@code data}, which may not be there yet. */
  static List<Finding> findings(Path data) {
    List<Finding> findings = new ArrayList<>();
    findings.add(ports());
    findings.add(disk("data", data));
    Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
    findings.add(disk("temporary files", temporary));
    findings.add(executes(temporary));
    return findings;
  }

  private static Finding ports() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return Finding.ok(
          SECTION, "ports", "loopback gives free ones (" + socket.getLocalPort() + ", for one)");
    } catch (IOException e) {
      return Finding.bad(
          SECTION, "ports", "none on loopback: " + e.getMessage(), "bring the interface lo up");
    }
  }

  private static Finding disk(String name, Path directory) {
    Path there = directory;
    while (there != null && !Files.exists(there)) {
      there = there.getParent();
    }
    try {
      if (there == null || !Files.isDirectory(there) || !Files.isWritable(there)) {
        return Finding.bad(
            SECTION, name, directory + " cannot be written", "name another with --data-dir");
      }
      long free = Files.getFileStore(there).getUsableSpace();
      String value =
          String.format(Locale.ROOT, "%s, %.1f GiB free", directory, (double) free / (1L << 30));
      return free >= LEAST_DISK
          ? Finding.ok(SECTION, name, value)
          : Finding.bad(SECTION, name, value, "make room: databases and checkpoints want 2 GiB");
    } catch (IOException e) {
      return Finding.bad(SECTION, name, directory + ": " + e.getMessage(), "check the file system");
    }
  }

  /** Native libraries are unpacked to the temporary directory and loaded from there. */
  private static Finding executes(Path temporary) {
    Path script = null;
    try {
      script = Files.createTempFile(temporary, "hetermoe-doctor", ".sh");
      Files.writeString(script, "#!/bin/sh\nexit 0\n");
      boolean executes =
          script.toFile().setExecutable(true)
              && new ProcessBuilder(script.toString()).start().waitFor() == 0;
      return executes
          ? Finding.ok(SECTION, "native libraries", "load from " + temporary)
          : noexec();
    } catch (IOException e) {
      return noexec();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return noexec();
    } finally {
      if (script != null) {
        script.toFile().delete();
      }
    }
  }

  private static Finding noexec() {
    return Finding.bad(
        SECTION,
        "native libraries",
        "nothing runs from " + System.getProperty("java.io.tmpdir"),
        "set JAVA_TOOL_OPTIONS=-Djava.io.tmpdir=DIR to a directory that is not mounted noexec");
  }
}
