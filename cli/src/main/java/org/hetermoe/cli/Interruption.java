package org.hetermoe.cli;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ctrl-C and SIGTERM while a command is at work: the command's thread is asked to end gently if it
 * has said how, else interrupted, and the JVM waits for it to clean up before it ends with the
 * signal's exit code (130, 143).
 */
public final class Interruption implements AutoCloseable {
  /** A run that is asked to stop finishes its step and stores a checkpoint. */
  private static final Duration GENTLE_PATIENCE = Duration.ofSeconds(20);

  /** Then what was started is stopped. */
  private static final Duration CLEANUP_PATIENCE = Duration.ofSeconds(60);

  private final Thread command;
  private final Thread hook = new Thread(this::handle, "interruption");
  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile Runnable gentle;
  private volatile boolean requested;

  private Interruption(Thread command) {
    this.command = command;
  }

  /** From now on a signal ends the work of this thread and waits for {@link #close}. */
  public static Interruption arm() {
    Interruption interruption = new Interruption(Thread.currentThread());
    Runtime.getRuntime().addShutdownHook(interruption.hook);
    return interruption;
  }

  /** How to ask for a gentle end from now on; null: there is no such way. */
  public void gently(Runnable request) {
    gentle = request;
  }

  /** Whether a signal has come. */
  public boolean requested() {
    return requested;
  }

  private void handle() {
    requested = true;
    Runnable request = gentle;
    try {
      if (request != null) {
        request.run();
        if (closed.await(GENTLE_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // nobody interrupts this thread; go on regardless
    } catch (RuntimeException e) {
      System.err.println("hetermoe: cannot end gently: " + e.getMessage());
    }
    command.interrupt();
    try {
      if (!closed.await(CLEANUP_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        System.err.println("hetermoe: cleaning up takes too long; see hetermoe status");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closed.countDown();
    if (!requested) {
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        requested = true; // the JVM has just begun to end; the hook finds this closed
      }
    }
  }
}
