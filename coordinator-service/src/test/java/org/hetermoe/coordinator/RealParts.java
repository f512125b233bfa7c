package org.hetermoe.coordinator;

import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import java.util.stream.Stream;
import org.hetermoe.coordinator.broker.BrokerTopics;
import org.hetermoe.coordinator.config.CoordinatorConfig;
import org.hetermoe.testing.EmbeddedBroker;

/** A real PostgreSQL and a real broker for the tests of this module, one of each. */
public final class RealParts implements QuarkusTestResourceLifecycleManager {
  private Path directory;
  private EmbeddedPostgres database;
  private EmbeddedBroker broker;

  @Override
  public Map<String, String> start() {
    try {
      directory = Files.createTempDirectory("hetermoe-coordinator-");
      database =
          EmbeddedPostgres.builder()
              .setServerConfig("fsync", "off")
              .setServerConfig("listen_addresses", "127.0.0.1")
              .start();
      broker = EmbeddedBroker.start(directory);
      BrokerTopics.create(broker.address(), new TestTopics());
      return Map.of(
          "quarkus.datasource.jdbc.url",
          database.getJdbcUrl("postgres", "postgres"),
          "quarkus.datasource.username",
          "postgres",
          "kafka.bootstrap.servers",
          broker.address());
    } catch (Exception e) {
      throw new IllegalStateException("PostgreSQL or Kafka did not start", e);
    }
  }

  /** Takes the broker away for good. */
  void stopBroker() {
    broker.close();
    broker = null;
  }

  @Override
  public void stop() {
    try {
      if (broker != null) {
        stopBroker();
      }
      if (database != null) {
        database.close();
      }
      if (directory != null) {
        try (Stream<Path> files = Files.walk(directory)) {
          for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
            Files.deleteIfExists(file);
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Small topics for tests. */
  private static final class TestTopics implements CoordinatorConfig.Topics {
    @Override
    public short replicationFactor() {
      return 1;
    }

    @Override
    public Duration controlRetention() {
      return Duration.ofHours(1);
    }

    @Override
    public long activationsRetentionBytes() {
      return 1 << 26;
    }

    @Override
    public long activationsSegmentBytes() {
      return 1 << 24;
    }
  }
}
