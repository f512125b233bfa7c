package org.hetermoe.coordinator.broker;

import io.quarkus.scheduler.Scheduled;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Tells silence of workers from silence of the broker. */
@ApplicationScoped
public class BrokerProbe {
  private static final long TIMEOUT_MILLIS = 2_000;

  private final Admin admin;

  /** One answered when this process started. */
  private volatile Seen seen = new Seen(true, Instant.now());

  BrokerProbe(@ConfigProperty(name = "kafka.bootstrap.servers") String servers) {
    this.admin =
        Admin.create(
            Map.of(
                AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG,
                servers,
                AdminClientConfig.CLIENT_ID_CONFIG,
                "coordinator-probe"));
  }

  /** Whether a broker answers within two seconds. */
  public boolean answers() {
    try {
      admin.describeCluster().nodes().get(TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
      return true;
    } catch (ExecutionException | TimeoutException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Looks now and then, so that whoever asks for {@link #seen} need not wait for a broker. */
  @Scheduled(every = "5s", concurrentExecution = Scheduled.ConcurrentExecution.SKIP)
  void look() {
    boolean answers = answers();
    Seen last = seen;
    if (last.answers != answers) {
      seen = new Seen(answers, Instant.now());
    }
  }

  /** How the broker was when it was last looked at, and since when. */
  Seen seen() {
    return seen;
  }

  /**
   * Whether a broker answers.
   *
   * @param since when that changed last, or this process started
   */
  record Seen(boolean answers, Instant since) {}

  @PreDestroy
  void close() {
    admin.close();
  }
}
