package org.hetermoe.coordinator.run;

import java.time.Duration;
import java.util.Optional;
import org.hetermoe.run.FailureKind;

/**
 * Whether another attempt follows one that could not go on, and when: only where the cause has
 * nothing to do with the run itself, later each time, and only so often without a new checkpoint.
 *
 * @param attempts that may fail in a row without a new checkpoint
 * @param firstDelay before the attempt after the first failure; twice as long after each other
 * @param longestDelay at most
 */
record RecoveryPolicy(int attempts, Duration firstDelay, Duration longestDelay) {
  /**
   * How long to wait for the next attempt.
   *
   * @param recoveries that there have been since the newest checkpoint
   * @return empty where no attempt follows
   */
  Optional<Duration> delay(FailureKind kind, int recoveries) {
    if (!kind.infrastructure() || recoveries >= attempts) {
      return Optional.empty();
    }
    Duration delay = firstDelay;
    for (int i = 0; i < recoveries && delay.compareTo(longestDelay) < 0; i++) {
      delay = delay.multipliedBy(2);
    }
    return Optional.of(delay.compareTo(longestDelay) < 0 ? delay : longestDelay);
  }
}
