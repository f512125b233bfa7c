package org.hetermoe.coordinator.broker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.hetermoe.coordinator.config.CoordinatorConfig;
import org.hetermoe.run.BrokerAddresses;
import org.hetermoe.run.Topics;

/** Creates the topics of {@link Topics} where they are missing. */
public final class BrokerTopics {
  private static final Duration ATTEMPT = Duration.ofSeconds(5);
  private static final long PAUSE_MILLIS = 250;

  /** How often it is said what is waited for. */
  private static final long LINE_NANOS = TimeUnit.SECONDS.toNanos(15);

  private final String servers;
  private final CoordinatorConfig.Topics settings;
  private final long begin = System.nanoTime();
  private long nextLine = begin;

  private BrokerTopics(String servers, CoordinatorConfig.Topics settings) {
    this.servers = servers;
    this.settings = settings;
  }

  /**
   * Creates the topics that are missing and leaves the others as they are. Waits for the broker,
   * however long that takes, and says so at once and from time to time: a process that ended
   * instead would only be started again, later and later.
   *
   * @param servers the broker's addresses, {@code host:port} with commas
   * @throws ExecutionException if the broker refuses, or the addresses are none; the message says
   *     why
   */
  public static void create(String servers, CoordinatorConfig.Topics settings)
      throws InterruptedException, ExecutionException {
    BrokerTopics topics = new BrokerTopics(servers, settings);
    while (!topics.created()) {
      TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
    }
  }

  /** Whether the broker answered and all topics are there. */
  private boolean created() throws InterruptedException, ExecutionException {
    if (BrokerAddresses.nameless(servers)) {
      waitingFor("the name of " + servers + " (kafka.bootstrap.servers) is not known yet");
      return false;
    }
    // A new client each time: the name may belong to another host by then.
    try (Admin admin = connect()) {
      createMissing(admin, settings);
      return true;
    } catch (ExecutionException e) {
      if (!(e.getCause() instanceof RetriableException)) {
        throw new ExecutionException(
            "The broker at " + servers + " refuses to create topics: " + e.getMessage(),
            e.getCause());
      }
      waitingFor("no broker answers at " + servers + " (kafka.bootstrap.servers)");
      return false;
    } catch (KafkaException e) {
      // The name may have gone since it was looked up.
      if (e.getCause() instanceof ConfigException && BrokerAddresses.nameless(servers)) {
        return false;
      }
      Throwable problem = e.getCause() == null ? e : e.getCause();
      throw new ExecutionException(
          "No client of the broker can be made (kafka.bootstrap.servers is "
              + servers
              + "): "
              + problem.getMessage(),
          e);
    }
  }

  private Admin connect() {
    return Admin.create(
        Map.of(
            AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG,
            servers,
            AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG,
            (int) ATTEMPT.toMillis(),
            AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
            (int) ATTEMPT.toMillis()));
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

  private static void createMissing(Admin admin, CoordinatorConfig.Topics settings)
      throws InterruptedException, ExecutionException {
    Set<String> existing = admin.listTopics().names().get();
    List<NewTopic> missing =
        wanted(settings).stream().filter(topic -> !existing.contains(topic.name())).toList();
    for (Map.Entry<String, org.apache.kafka.common.KafkaFuture<Void>> creation :
        admin.createTopics(missing).values().entrySet()) {
      try {
        creation.getValue().get();
      } catch (ExecutionException e) {
        // Another process that started at the same time was quicker.
        if (!(e.getCause() instanceof TopicExistsException)) {
          throw e;
        }
      }
    }
  }

  private static List<NewTopic> wanted(CoordinatorConfig.Topics settings) {
    List<NewTopic> topics = new ArrayList<>();
    for (String name : Topics.CONTROL) {
      topics.add(
          new NewTopic(name, 1, settings.replicationFactor())
              .configs(
                  Map.of(
                      TopicConfig.RETENTION_MS_CONFIG,
                      Long.toString(settings.controlRetention().toMillis()),
                      // Assignments of large models are large.
                      TopicConfig.MAX_MESSAGE_BYTES_CONFIG,
                      Integer.toString(8 << 20))));
    }
    for (String name : Topics.ACTIVATIONS) {
      topics.add(
          new NewTopic(name, Topics.ACTIVATION_PARTITIONS, settings.replicationFactor())
              .configs(
                  Map.of(
                      TopicConfig.RETENTION_MS_CONFIG,
                      Long.toString(settings.controlRetention().toMillis()),
                      TopicConfig.RETENTION_BYTES_CONFIG,
                      Long.toString(settings.activationsRetentionBytes()),
                      TopicConfig.SEGMENT_BYTES_CONFIG,
                      Long.toString(settings.activationsSegmentBytes()))));
    }
    return topics;
  }
}
