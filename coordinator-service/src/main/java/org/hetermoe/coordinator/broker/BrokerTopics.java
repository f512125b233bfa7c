package org.hetermoe.coordinator.broker;

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
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.hetermoe.coordinator.config.CoordinatorConfig;
import org.hetermoe.run.Topics;

/** Creates the topics of {@link Topics} where they are missing. */
public final class BrokerTopics {
  private static final Duration ATTEMPT = Duration.ofSeconds(5);
  private static final long PAUSE_MILLIS = 250;

  private BrokerTopics() {}

  /**
   * Creates the topics that are missing and leaves the others as they are. Waits for the broker.
   *
   * @param servers the broker's addresses, {@code host:port} with commas
   * @throws TimeoutException if no broker answers in time; the message says which and how long
   * @throws ExecutionException if the broker refuses; the message says why
   */
  public static void create(String servers, CoordinatorConfig.Topics settings)
      throws InterruptedException, TimeoutException, ExecutionException {
    long deadline = System.nanoTime() + settings.brokerTimeout().toNanos();
    Map<String, Object> properties =
        Map.of(
            AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG,
            servers,
            AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG,
            (int) ATTEMPT.toMillis(),
            AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG,
            (int) ATTEMPT.toMillis());
    try (Admin admin = Admin.create(properties)) {
      while (true) {
        try {
          createMissing(admin, settings);
          return;
        } catch (ExecutionException e) {
          if (!(e.getCause() instanceof RetriableException)) {
            throw new ExecutionException(
                "The broker at " + servers + " refuses to create topics: " + e.getMessage(),
                e.getCause());
          }
        }
        if (System.nanoTime() > deadline) {
          throw new TimeoutException(
              "No Kafka broker answered at "
                  + servers
                  + " (kafka.bootstrap.servers) within "
                  + settings.brokerTimeout().toSeconds()
                  + " s");
        }
        TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
      }
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
