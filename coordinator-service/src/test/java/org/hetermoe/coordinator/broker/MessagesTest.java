package org.hetermoe.coordinator.broker;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class MessagesTest {
  /** One more failure than the tries that a record which can never be stored is given. */
  private static final int FAILURES = 4;

  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final Messages messages = new Messages(meters);

  /** Disk full, out of connections, read-only, timed out, deadlock, of another version, unknown. */
  @ParameterizedTest
  @NullSource
  @ValueSource(
      strings = {
        "53100", "53200", "53300", "58030", "25006", "57014", "57P01", "08006", "40001", "40P01",
        "55P03", "42P01", "XX000"
      })
  void triesAgainWhatTheDatabaseCannotStoreNow(String state) {
    AtomicInteger tries = new AtomicInteger();

    messages.handle("t", "m", () -> failAtFirst(tries, wrapped(state)));

    assertThat(tries).hasValue(FAILURES + 1);
    assertThat(meters.find("hetermoe.messages.failed").counter()).isNull();
  }

  @Test
  void triesAgainWhileTheProcessCannotReachItsStore() {
    AtomicInteger tries = new AtomicInteger();

    messages.handle(
        "t", "m", () -> failAtFirst(tries, new IllegalStateException("the factory is closed")));

    assertThat(tries).hasValue(FAILURES + 1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"22021", "22P05", "22003", "23502", "23503"})
  void givesUpWhatCanNeverBeStored(String state) {
    AtomicInteger tries = new AtomicInteger();

    messages.handle("t", "m", () -> failAtFirst(tries, wrapped(state)));

    assertThat(tries).hasValueLessThan(FAILURES);
    assertThat(meters.get("hetermoe.messages.failed").tag("topic", "t").counter().count())
        .isEqualTo(1);
  }

  @Test
  void givesUpWhatCannotBeHandledWhateverTheStoreDoes() {
    AtomicInteger tries = new AtomicInteger();

    messages.handle(
        "t", "m", () -> failAtFirst(tries, new IllegalArgumentException("no such worker")));

    assertThat(tries).hasValueLessThan(FAILURES);
  }

  private static void failAtFirst(AtomicInteger tries, RuntimeException problem) {
    if (tries.incrementAndGet() <= FAILURES) {
      throw problem;
    }
  }

  private static RuntimeException wrapped(String state) {
    return new IllegalStateException("could not commit", new SQLException("problem", state));
  }
}
