package org.hetermoe.api;

import java.time.Duration;
import org.hetermoe.model.InvalidFieldException;

/**
 * How long requests are repeated while the coordinator does not answer, or answers with a server
 * error. Only requests that may be repeated are; a refusal (status 400 to 499) is final.
 *
 * @param maxElapsed from the first failure of a request to giving up; zero: it is sent once
 * @param initialBackoff pause before the second attempt; doubles with each attempt
 * @param maxBackoff where doubling ends
 */
public record RetryPolicy(Duration maxElapsed, Duration initialBackoff, Duration maxBackoff) {
  /** Two minutes: longer than a coordinator takes to come back. */
  public static final RetryPolicy DEFAULT =
      new RetryPolicy(Duration.ofMinutes(2), Duration.ofMillis(100), Duration.ofSeconds(5));

  /** Every request is sent once. */
  public static final RetryPolicy NONE =
      new RetryPolicy(Duration.ZERO, Duration.ofMillis(1), Duration.ofMillis(1));

  public RetryPolicy {
    if (maxElapsed.isNegative()) {
      throw new InvalidFieldException("max_elapsed", "must not be negative, is " + maxElapsed);
    }
    if (!initialBackoff.isPositive()) {
      throw new InvalidFieldException("initial_backoff", "must be positive, is " + initialBackoff);
    }
    if (maxBackoff.compareTo(initialBackoff) < 0) {
      throw new InvalidFieldException(
          "max_backoff", "must be at least initial_backoff, " + initialBackoff);
    }
  }

  /** The pause after one of that length. */
  Duration next(Duration pause) {
    Duration doubled = pause.multipliedBy(2);
    return doubled.compareTo(maxBackoff) > 0 ? maxBackoff : doubled;
  }
}
