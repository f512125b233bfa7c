package org.hetermoe.checkpoint.http;

import java.time.Duration;

/**
 * How long to put up with a coordinator that is away.
 *
 * @param patience from the first failure of a request to giving up
 * @param firstPause before the second attempt; doubles with each attempt
 * @param longestPause where doubling ends
 * @param attemptTimeout for one attempt
 */
public record RetryPolicy(
    Duration patience, Duration firstPause, Duration longestPause, Duration attemptTimeout) {
  /** Two minutes: longer than a coordinator takes to come back. */
  public static final RetryPolicy DEFAULT =
      new RetryPolicy(
          Duration.ofMinutes(2),
          Duration.ofMillis(100),
          Duration.ofSeconds(5),
          Duration.ofSeconds(60));

  public RetryPolicy {
    if (firstPause.isNegative()
        || firstPause.isZero()
        || longestPause.compareTo(firstPause) < 0
        || !attemptTimeout.isPositive()) {
      throw new IllegalArgumentException(
          "pauses and timeouts must be positive, and the longest pause the longest");
    }
  }
}
