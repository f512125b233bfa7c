package org.hetermoe.worker;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.RetriableException;
import org.hetermoe.run.BrokerAddresses;
import org.hetermoe.run.Topics;

/**
 * Waits until the broker is there and the coordinator has created the topics, however long that
 * takes: a process that ended instead would only be started again, later and later. Consumers must
 * not begin before: a broker that creates topics by itself would give them one partition.
 */
final class RequiredTopics {
  private static final long PAUSE_MILLIS = 250;
  private static final int REQUEST_TIMEOUT_MILLIS = 5_000;

  /** How often it is said what is waited for. */
  private static final long LINE_NANOS = TimeUnit.SECONDS.toNanos(15);

  private final String servers;
  private final long begin = System.nanoTime();
  private long nextLine = begin;

  private RequiredTopics(String servers) {
    this.servers = servers;
  }

  /**
   * Returns once all topics exist. Says what it waits for, at once and from time to time.
   *
   * @param servers the broker's addresses, {@code host:port} with commas
   * @throws ExecutionException if the broker refuses to say
   * @throws KafkaException if the addresses are none, or the client cannot be made
   */
  static void await(String servers) throws InterruptedException, ExecutionException {
    RequiredTopics topics = new RequiredTopics(servers);
    while (!topics.appear()) {
      TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
    }
  }

  /** Waits for them as long as the broker answers; false if it does not. */
  private boolean appear() throws InterruptedException, ExecutionException {
    if (BrokerAddresses.nameless(servers)) {
      waitingFor("the name of " + servers + " (kafka.bootstrap.servers) is not known yet");
      return false;
    }
    // A new client each time that there is no answer: the name may belong to another host by then.
    try (Admin admin = connect()) {
      for (List<String> missing = missing(admin); !missing.isEmpty(); missing = missing(admin)) {
        waitingFor(
            "the broker at %s has no topics %s, which the coordinator creates"
                .formatted(servers, missing));
        TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
      }
      return true;
    } catch (ExecutionException e) {
      if (!(e.getCause() instanceof RetriableException)) {
        throw e;
      }
      waitingFor("no broker answers at " + servers + " (kafka.bootstrap.servers)");
      return false;
    } catch (KafkaException e) {
      // The name may have gone since it was looked up.
      if (e.getCause() instanceof ConfigException && BrokerAddresses.nameless(servers)) {
        return false;
      }
      throw e;
    }
  }

  private Admin connect() {
    return Admin.create(
        Map.of(
            AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG,
            servers,
            AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG,
            REQUEST_TIMEOUT_MILLIS,
            AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
            REQUEST_TIMEOUT_MILLIS));
  }

  private static List<String> missing(Admin admin) throws InterruptedException, ExecutionException {
    List<String> missing = new ArrayList<>(Topics.CONTROL);
    missing.addAll(Topics.ACTIVATIONS);
    missing.removeAll(admin.listTopics().names().get());
    return missing;
  }

  /** Not by the log, which shows nothing before the service has started. */
  private void waitingFor(String what) {
    long now = System.nanoTime();
    if (now - nextLine >= 0) {
      System.err.printf(
          "waiting, for %d s so far: %s%n", TimeUnit.NANOSECONDS.toSeconds(now - begin), what);
      nextLine = now + LINE_NANOS;
    }
  }
}
