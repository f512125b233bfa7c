package org.hetermoe.cli;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ctrl-C and SIGTERM while a command is at work: the command's thread is asked to end gently if it
 * has said how, else interrupted, and the JVM waits for it to clean up before it ends with the
 * signal's exit code (130, 143).
 */
public final class SignalHandler implements AutoCloseable {
  /** A run that is asked to stop finishes its step and stores a checkpoint. */
  private static final Duration GRACEFUL_TIMEOUT = Duration.ofSeconds(20);

  /** Then what was started is stopped. */
  private static final Duration CLEANUP_TIMEOUT = Duration.ofSeconds(60);

  private final Thread command;
  private final Thread hook = new Thread(this::handle, "signal-handler");
  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile GracefulStop graceful;
  private volatile boolean requested;

  /** Asks for the end of what a command waits for. */
  @FunctionalInterface
  public interface GracefulStop {
    /** Asks; the command's thread then ends by itself. */
    void request() throws IOException, InterruptedException;
  }

  private SignalHandler(Thread command) {
    this.command = command;
  }

  /** From now on a signal ends the work of this thread and waits for {@link #close}. */
  public static SignalHandler install() {
    SignalHandler handler = new SignalHandler(Thread.currentThread());
    Runtime.getRuntime().addShutdownHook(handler.hook);
    return handler;
  }

  /** How to ask for a graceful end from now on; null: there is no such way. */
  public void onSignal(GracefulStop request) {
    graceful = request;
  }

  /** Whether a signal has come. */
  public boolean requested() {
    return requested;
  }

  private void handle() {
    requested = true;
    GracefulStop request = graceful;
    try {
      if (request != null) {
        request.request();
        if (closed.await(GRACEFUL_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // nobody interrupts this thread; go on regardless
    } catch (IOException | RuntimeException e) {
      System.err.println("hetermoe: cannot stop gracefully: " + e.getMessage());
    }
    command.interrupt();
    try {
      if (!closed.await(CLEANUP_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
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
