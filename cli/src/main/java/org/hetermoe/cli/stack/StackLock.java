package org.hetermoe.cli.stack;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;

/** A lock on a file; the operating system takes it back if this JVM dies. */
final class StackLock implements AutoCloseable {
  private static final Duration POLL = Duration.ofMillis(100);

  private final FileChannel channel;

  private StackLock(FileChannel channel) {
    this.channel = channel;
  }

  /** Takes the lock if it is free. */
  static Optional<StackLock> tryAcquire(Path file, boolean shared) {
    try {
      FileChannel channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      FileLock lock;
      try {
        lock = channel.tryLock(0, Long.MAX_VALUE, shared);
      } catch (OverlappingFileLockException e) {
        lock = null; // another thread of this JVM has it
      }
      if (lock == null) {
        channel.close();
        return Optional.empty();
      }
      return Optional.of(new StackLock(channel));
    } catch (IOException e) {
      throw new StackException("cannot lock " + file + ": " + e, e);
    }
  }

  /**
   * Waits for the lock.
   *
   * @throws StackException if it is not free within that time
   */
  static StackLock acquire(Path file, Duration timeout) throws InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (true) {
      Optional<StackLock> lock = tryAcquire(file, false);
      if (lock.isPresent()) {
        return lock.get();
      }
      if (System.nanoTime() > deadline) {
        throw new StackException(
            "another hetermoe has been starting or stopping this stack for "
                + timeout.toSeconds()
                + " s (lock "
                + file
                + ")");
      }
      Thread.sleep(POLL);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new StackException("cannot unlock: " + e, e);
    }
  }
}
