package org.hetermoe.cli.stack;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * A process of the operating system, told from a later one with the same id by its start time.
 *
 * @param pid its id
 * @param startedAt when it started
 */
record OsProcess(long pid, Instant startedAt) {
  /** The kernel counts from boot and the clock may be corrected, so start times vary a little. */
  private static final Duration START_TOLERANCE = Duration.ofSeconds(3);

  private static final Duration POLL = Duration.ofMillis(50);

  /** The identity of a process that runs. */
  static OsProcess of(ProcessHandle handle) {
    return new OsProcess(handle.pid(), handle.info().startInstant().orElse(Instant.now()));
  }

  /** Whether it still runs; one that has ended and waits for its parent to take notice does not. */
  boolean alive() {
    return handle().isPresent() && !zombie(pid);
  }

  /** Asks it to end: SIGTERM. */
  void terminate() {
    handle().ifPresent(ProcessHandle::destroy);
  }

  /** Ends it: SIGKILL. */
  void kill() {
    handle().ifPresent(ProcessHandle::destroyForcibly);
  }

  /** Waits until it has ended; tells whether it has within that time. */
  boolean awaitEnd(Duration timeout) throws InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (alive()) {
      if (System.nanoTime() > deadline) {
        return false;
      }
      Thread.sleep(POLL);
    }
    return true;
  }

  private Optional<ProcessHandle> handle() {
    return ProcessHandle.of(pid)
        .filter(ProcessHandle::isAlive)
        .filter(
            handle ->
                handle
                    .info()
                    .startInstant()
                    .map(
                        start ->
                            Duration.between(start, startedAt).abs().compareTo(START_TOLERANCE)
                                <= 0)
                    .orElse(true));
  }

  /** Whether a process has ended but stays listed, as happens where nobody reaps orphans. */
  static boolean zombie(long pid) {
    try {
      String stat =
          Files.readString(
              Path.of("/proc", Long.toString(pid), "stat"), StandardCharsets.ISO_8859_1);
      int state = stat.lastIndexOf(')') + 2;
      return state < stat.length() && stat.charAt(state) == 'Z';
    } catch (NoSuchFileException e) {
      return false; // no /proc, or ended meanwhile: the handle knows
    } catch (IOException e) {
      return false; // it ended while its entry was read
    }
  }
}
