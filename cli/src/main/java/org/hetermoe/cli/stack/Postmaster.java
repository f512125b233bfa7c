package org.hetermoe.cli.stack;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * PostgreSQL's own main process, which outlives a killed host and is then adopted by the next.
 *
 * @param pid its id
 * @param port where it listens
 */
record Postmaster(long pid, int port) {
  private static final Duration POLL = Duration.ofMillis(50);

  /** The one that runs on a data directory. */
  static Optional<Postmaster> on(Path dataDirectory) {
    return named(dataDirectory)
        .filter(postmaster -> isPostmasterOf(postmaster.pid(), dataDirectory));
  }

  /**
   * Makes a data directory startable after a crash. PostgreSQL refuses to start when the process id
   * in {@code postmaster.pid} belongs to any living process, also to one that merely got the same
   * id after a reboot; and while server processes of a killed postmaster are still there.
   */
  static void clearRemains(Path dataDirectory) throws IOException, InterruptedException {
    Optional<Postmaster> named = named(dataDirectory);
    if (named.isEmpty() || on(dataDirectory).isPresent()) {
      return;
    }
    long deadline = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    while (serverProcessWorksIn(dataDirectory) && System.nanoTime() < deadline) {
      Thread.sleep(POLL);
    }
    boolean reused = ProcessHandle.of(named.get().pid()).map(ProcessHandle::isAlive).orElse(false);
    if (reused && !serverProcessWorksIn(dataDirectory)) {
      Files.deleteIfExists(dataDirectory.resolve("postmaster.pid"));
    }
  }

  /** Stops it: at once but in order, then without order. */
  void stop() throws InterruptedException {
    for (String signal : List.of("INT", "QUIT")) { // fast, immediate shutdown
      send(signal);
      long deadline = System.nanoTime() + Duration.ofSeconds(10).toNanos();
      while (isAlive() && System.nanoTime() < deadline) {
        Thread.sleep(POLL);
      }
      if (!isAlive()) {
        return;
      }
    }
    throw new StackException("PostgreSQL (process " + pid + ") does not stop");
  }

  /** ProcessHandle knows neither signal; kill is built into every shell. */
  private void send(String signal) throws InterruptedException {
    try {
      new ProcessBuilder("sh", "-c", "kill -" + signal + " " + pid)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .redirectError(ProcessBuilder.Redirect.DISCARD)
          .start()
          .waitFor();
    } catch (IOException e) {
      throw new StackException("cannot signal PostgreSQL (process " + pid + "): " + e, e);
    }
  }

  /** Whether it runs. */
  boolean isAlive() {
    return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false)
        && !OsProcess.zombie(pid);
  }

  private static Optional<Postmaster> named(Path dataDirectory) {
    try {
      // Line 1: process id, 2: data directory, 3: start time, 4: port, and more.
      List<String> lines = Files.readAllLines(dataDirectory.resolve("postmaster.pid"));
      if (lines.size() < 4) {
        return Optional.empty(); // still being written
      }
      return Optional.of(
          new Postmaster(
              Long.parseLong(lines.get(0).strip()), Integer.parseInt(lines.get(3).strip())));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException | NumberFormatException e) {
      throw new StackException(
          "cannot read " + dataDirectory.resolve("postmaster.pid") + ": " + e, e);
    }
  }

  private static boolean isPostmasterOf(long pid, Path dataDirectory) {
    return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false)
        && !OsProcess.zombie(pid)
        && commandLine(pid).contains(dataDirectory.toString());
  }

  /** Whether any server process has that working directory; all of PostgreSQL's do. */
  private static boolean serverProcessWorksIn(Path dataDirectory) throws IOException {
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[1-9]*")) {
      for (Path process : processes) {
        if (worksIn(process, dataDirectory)) {
          return true;
        }
      }
    }
    return false;
  }

  private static boolean worksIn(Path process, Path dataDirectory) {
    try {
      return Files.readSymbolicLink(process.resolve("cwd")).equals(dataDirectory.toRealPath());
    } catch (IOException e) {
      return false; // ended meanwhile, or somebody else's and so not ours
    }
  }

  private static String commandLine(long pid) {
    try {
      return Files.readString(
          Path.of("/proc", Long.toString(pid), "cmdline"), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return ""; // ended meanwhile
    }
  }
}
