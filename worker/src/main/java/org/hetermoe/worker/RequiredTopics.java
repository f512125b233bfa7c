package org.hetermoe.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.errors.RetriableException;
import org.hetermoe.run.Topics;

/**
 * Waits until the broker is there and the coordinator has created the topics. Consumers must not
 * begin before: a broker that creates topics by itself would give them one partition.
 */
final class RequiredTopics {
  private static final long PAUSE_MILLIS = 250;
  private static final int REQUEST_TIMEOUT_MILLIS = 5_000;

  private RequiredTopics() {}

  /**
   * Returns once all topics exist.
   *
   * @param servers the broker's addresses, {@code host:port} with commas
   * @throws TimeoutException if they do not after {@code timeout}; says what is missing
   * @throws ExecutionException if the broker refuses to say
   */
  static void await(String servers, Duration timeout)
      throws InterruptedException, TimeoutException, ExecutionException {
    long deadline = System.nanoTime() + timeout.toNanos();
    Map<String, Object> properties =
        Map.of(
            AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG,
            servers,
            AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG,
            REQUEST_TIMEOUT_MILLIS,
            AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
            REQUEST_TIMEOUT_MILLIS);
    String problem;
    try (Admin admin = Admin.create(properties)) {
      do {
        List<String> missing = new ArrayList<>(Topics.CONTROL);
        missing.addAll(Topics.ACTIVATIONS);
        try {
          Set<String> existing = admin.listTopics().names().get();
          missing.removeAll(existing);
          if (missing.isEmpty()) {
            return;
          }
          problem =
              "the broker at "
                  + servers
                  + " has no topics "
                  + missing
                  + ", which the coordinator creates";
        } catch (ExecutionException e) {
          if (!(e.getCause() instanceof RetriableException)) {
            throw e;
          }
          problem = "no broker answers at " + servers + " (kafka.bootstrap.servers)";
        }
        TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
      } while (System.nanoTime() < deadline);
    }
    throw new TimeoutException(problem + "; waited " + timeout.toSeconds() + " s");
  }
}
