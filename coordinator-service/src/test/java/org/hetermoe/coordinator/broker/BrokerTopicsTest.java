package org.hetermoe.coordinator.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.common.config.ConfigException;
import org.hetermoe.coordinator.config.CoordinatorConfig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class BrokerTopicsTest {
  private final ExecutorService threads = Executors.newSingleThreadExecutor();

  @AfterEach
  void end() throws InterruptedException {
    threads.shutdownNow();
    assertThat(threads.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
  }

  /** A process that ended would only be started again, later and later. */
  @ParameterizedTest
  @ValueSource(strings = {"no-such-broker.invalid:9092", "127.0.0.1:1"})
  void waitsForABrokerThatIsNotThereYet(String servers) {
    Future<?> creating = create(servers);

    assertThatThrownBy(() -> creating.get(3, TimeUnit.SECONDS))
        .as("it goes on waiting")
        .isInstanceOf(TimeoutException.class);
  }

  @Test
  void doesNotWaitForWhatIsNoAddress() {
    Future<?> creating = create("broker");

    assertThatThrownBy(() -> creating.get(20, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .hasRootCauseInstanceOf(ConfigException.class)
        .hasMessageContaining("kafka.bootstrap.servers is broker");
  }

  private Future<?> create(String servers) {
    return threads.submit(
        () -> {
          BrokerTopics.create(servers, new OneCopy());
          return null;
        });
  }

  private record OneCopy() implements CoordinatorConfig.Topics {
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
      return 1 << 20;
    }

    @Override
    public long activationsSegmentBytes() {
      return 1 << 20;
    }
  }
}
