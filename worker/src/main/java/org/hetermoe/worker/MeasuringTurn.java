package org.hetermoe.worker;

import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets one worker of a machine measure at a time, and of it one thing: so none disturbs another.
 */
@Singleton
class MeasuringTurn {
  private static final long PAUSE_MILLIS = 250;

  private final Path directory;

  /** A file lock is the whole process's. */
  private final ReentrantLock own = new ReentrantLock();

  MeasuringTurn(WorkerSettings settings) {
    this.directory = settings.dataDirectory();
  }

  /** Held until it is closed, by the thread that took it. */
  @FunctionalInterface
  interface Turn extends AutoCloseable {
    @Override
    void close() throws IOException;
  }

  /**
   * Waits for the turn. Asks again and again instead of waiting: the system takes processes of
   * which each holds one lock and waits for another for a deadlock, although they are of different
   * threads.
   */
  Turn take() throws IOException, InterruptedException {
    own.lockInterruptibly();
    boolean taken = false;
    try {
      Files.createDirectories(directory);
      FileChannel file =
          FileChannel.open(
              directory.resolve("profiling.lock"),
              StandardOpenOption.CREATE,
              StandardOpenOption.WRITE);
      try {
        while (file.tryLock() == null) {
          Thread.sleep(PAUSE_MILLIS);
        }
        taken = true;
        return () -> release(file);
      } finally {
        if (!taken) {
          file.close();
        }
      }
    } finally {
      if (!taken) {
        own.unlock();
      }
    }
  }

  /** Closing a file gives up its locks. */
  private void release(FileChannel file) throws IOException {
    try {
      file.close();
    } finally {
      own.unlock();
    }
  }
}
