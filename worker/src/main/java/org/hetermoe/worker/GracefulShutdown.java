package org.hetermoe.worker;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import org.hetermoe.api.ApiException;
import org.hetermoe.api.ClientSettings;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.RetryPolicy;
import org.hetermoe.api.RunView;
import org.jboss.logging.Logger;

/**
 * What a worker that is told to end does first: has the coordinator stop its run, so that the whole
 * group finishes the current step and stores a checkpoint, and waits for that.
 */
@Singleton
class GracefulShutdown {
  private static final Logger LOG = Logger.getLogger(GracefulShutdown.class);
  private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(5);
  private static final long POLL_MILLIS = 50;

  private final CommandLoop commands;
  private final ClientSettings coordinator;
  private final Duration timeout;

  @Inject
  GracefulShutdown(CommandLoop commands, ClientSettings coordinator, WorkerSettings settings) {
    this(commands, coordinator, settings.drainTimeout());
  }

  /**
   * With a limit.
   *
   * @param timeout how long to wait for the run to stop; zero: it is not even asked for
   */
  GracefulShutdown(CommandLoop commands, ClientSettings coordinator, Duration timeout) {
    this.commands = commands;
    // The process is about to end: one attempt must do.
    this.coordinator = coordinator.withRequestTimeout(REQUEST_TIMEOUT).withRetry(RetryPolicy.NONE);
    this.timeout = timeout;
  }

  /** Returns once the run has ended here, or cannot be waited for any longer. */
  void drain() {
    long deadline = System.nanoTime() + timeout.toNanos();
    Optional<UUID> training =
        commands.current().filter(AttemptSession::active).map(session -> session.key().run());
    if (!timeout.isPositive() || training.isEmpty()) {
      return;
    }
    UUID run = training.get();
    try {
      requestStop(run);
      while (commands.current().isPresent()) {
        if (System.nanoTime() > deadline) {
          LOG.warnf("run %s did not stop within %d s; leaving it", run, timeout.toSeconds());
          return;
        }
        Thread.sleep(POLL_MILLIS);
      }
      LOG.infof("run %s has stopped; ending", run);
    } catch (ApiException e) {
      LOG.warnf("the coordinator cannot be asked to stop run %s: %s", run, FailureMessage.of(e));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void requestStop(UUID run) throws ApiException, InterruptedException {
    try (CoordinatorClient client = new CoordinatorClient(coordinator)) {
      RunView _ = client.stop(run);
    } catch (ApiException e) {
      // A conflict: it has ended for the coordinator, and soon will have here.
      if (!e.conflict()) {
        throw e;
      }
    }
    LOG.infof("told to end: run %s stops after its current step", run);
  }
}
