package org.hetermoe.cli.stack;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Starts processes that outlive this one, and stops them. */
final class ChildProcesses {
  private static final Duration POLL = Duration.ofMillis(50);
  private static final int TAIL_LINES = 15;

  private ChildProcesses() {}

  /**
   * Starts a process in a session of its own, so that a Ctrl-C or a closed terminal reaches this
   * command line alone, which then stops the others in order.
   */
  static ProcessRecord start(ChildSpec spec, Path directory) {
    List<String> command = new ArrayList<>();
    command.add("setsid"); // replaces itself by the command, under the same process id
    command.addAll(spec.command());
    try {
      rotate(spec.log());
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .directory(directory.toFile())
              .redirectInput(Path.of("/dev/null").toFile())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(spec.log().toFile()));
      builder.environment().putAll(spec.environment());
      OsProcess process = OsProcess.of(builder.start().toHandle());
      return new ProcessRecord(
          spec.name(),
          process.pid(),
          process.startedAt(),
          spec.port(),
          spec.secondPort(),
          spec.build(),
          false);
    } catch (IOException e) {
      throw new StackException("cannot start " + spec.name() + ": " + e.getMessage(), e);
    }
  }

  /**
   * Waits until a process does its service.
   *
   * @throws StackException if it ends before, or takes too long
   */
  static void awaitReady(
      ProcessRecord process, Predicate<ProcessRecord> ready, Duration timeout, Path log)
      throws InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (!ready.test(process)) {
      if (!process.alive()) {
        throw new StackException(process.name() + " ended while it started:\n" + tail(log));
      }
      if (System.nanoTime() > deadline) {
        throw new StackException(
            process.name() + " is not ready after " + timeout.toSeconds() + " s:\n" + tail(log));
      }
      Thread.sleep(POLL);
    }
  }

  /** Stops processes at once: asks first, and ends those that do not within their time. */
  static void stop(List<ProcessRecord> records, Duration timeout) throws InterruptedException {
    List<OsProcess> processes = records.stream().map(ProcessRecord::process).toList();
    processes.forEach(OsProcess::terminate);
    long deadline = System.nanoTime() + timeout.toNanos();
    for (OsProcess process : processes) {
      if (!process.awaitEnd(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())))) {
        process.kill();
        process.awaitEnd(Duration.ofSeconds(5));
      }
    }
  }

  /** The last lines of a log, and where it is. */
  static String tail(Path log) {
    try {
      List<String> lines =
          new String(Files.readAllBytes(log), StandardCharsets.UTF_8).lines().toList();
      List<String> last = lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size());
      return String.join("\n", last) + "\n" + "(log: " + log + ")";
    } catch (IOException e) {
      return "(its log " + log + " cannot be read: " + e.getMessage() + ")";
    }
  }

  /** Keeps the log before this one. */
  private static void rotate(Path log) throws IOException {
    if (Files.exists(log) && Files.size(log) > 0) {
      Files.move(
          log, log.resolveSibling(log.getFileName() + ".1"), StandardCopyOption.REPLACE_EXISTING);
    }
    Files.writeString(log, "", StandardOpenOption.CREATE);
  }
}
