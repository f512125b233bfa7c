package org.hetermoe.coordinator.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Optional;
import java.util.stream.IntStream;
import org.hetermoe.run.FailureKind;
import org.junit.jupiter.api.Test;

class RecoveryPolicyTest {
  private final RecoveryPolicy policy =
      new RecoveryPolicy(5, Duration.ofSeconds(1), Duration.ofSeconds(6));

  @Test
  void waitsLongerEachTimeAndThenGivesUp() {
    assertThat(IntStream.range(0, 7).mapToObj(n -> policy.delay(FailureKind.PEER, n)))
        .containsExactly(
            Optional.of(Duration.ofSeconds(1)),
            Optional.of(Duration.ofSeconds(2)),
            Optional.of(Duration.ofSeconds(4)),
            Optional.of(Duration.ofSeconds(6)),
            Optional.of(Duration.ofSeconds(6)),
            Optional.empty(),
            Optional.empty());
  }

  @Test
  void doesNotRepeatWhatIsTheRunsOwnFault() {
    assertThat(policy.delay(FailureKind.CONFIGURATION, 0)).isEmpty();
    assertThat(policy.delay(FailureKind.DATA, 0)).isEmpty();
  }
}
