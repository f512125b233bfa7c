package org.hetermoe.worker;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.UUID;
import org.hetermoe.worker.SessionState.Active;
import org.jboss.logging.Logger;

/**
 * What a worker does first when it is told to end: has the coordinator stop its run, so that the
 * whole group finishes the current step and stores a checkpoint, and waits for that.
 */
@Singleton
class Departure {
  private static final Logger LOG = Logger.getLogger(Departure.class);
  private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(5);
  private static final long LOOK_MILLIS = 50;

  private final RunSession session;
  private final URI coordinator;
  private final Duration patience;

  @Inject
  Departure(RunSession session, WorkerSettings settings) {
    this(session, settings.coordinatorUrl(), settings.drainTimeout());
  }

  Departure(RunSession session, URI coordinator, Duration patience) {
    this.session = session;
    this.coordinator = coordinator;
    this.patience = patience;
  }

  /** Returns once the run has ended here, or cannot be waited for any longer. */
  void prepare() {
    long deadline = System.nanoTime() + patience.toNanos();
    if (!patience.isPositive() || !(session.state() instanceof Active active)) {
      return;
    }
    UUID run = active.group().key().run();
    try {
      askToStop(run);
      while (session.state().members().isPresent()) {
        if (System.nanoTime() > deadline) {
          LOG.warnf("run %s did not stop within %d s; leaving it", run, patience.toSeconds());
          return;
        }
        Thread.sleep(LOOK_MILLIS);
      }
      LOG.infof("run %s has stopped; ending", run);
    } catch (IOException e) {
      LOG.warnf("the coordinator cannot be asked to stop run %s: %s", run, Reasons.of(e));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void askToStop(UUID run) throws IOException, InterruptedException {
    URI address =
        URI.create(coordinator.toString().replaceFirst("/$", "") + "/api/v1/runs/" + run + "/stop");
    HttpRequest request =
        HttpRequest.newBuilder(address)
            .timeout(REQUEST_TIMEOUT)
            .POST(HttpRequest.BodyPublishers.noBody())
            .build();
    try (HttpClient http = HttpClient.newBuilder().connectTimeout(REQUEST_TIMEOUT).build()) {
      HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
      // 409: it has ended for the coordinator, and soon will have here.
      if (answer.statusCode() != 202 && answer.statusCode() != 409) {
        throw new IOException("status " + answer.statusCode() + ": " + answer.body());
      }
    }
    LOG.infof("told to end: run %s stops after its current step", run);
  }
}
