package org.hetermoe.channel;

import static java.lang.System.Logger.Level.WARNING;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;

/**
 * Counts what is refused, and logs it: the first of a reason at once, then at most one line per
 * reason and {@link #QUIET}, so that a flood of rubbish does not flood the log. One per process;
 * thread-safe.
 */
public final class Refusals {
  /** The shortest time between two log lines of one reason. */
  static final Duration QUIET = Duration.ofSeconds(10);

  private static final System.Logger LOG = System.getLogger(Refusals.class.getName());

  private final LongSupplier nanoClock;
  private final Map<Refusal, Tally> tallies = new EnumMap<>(Refusal.class);

  public Refusals() {
    this(System::nanoTime);
  }

  Refusals(LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
    long longAgo = nanoClock.getAsLong() - QUIET.toNanos();
    for (Refusal reason : Refusal.values()) {
      tallies.put(reason, new Tally(new LongAdder(), new AtomicLong(), new AtomicLong(longAgo)));
    }
  }

  /**
   * Counts and logs.
   *
   * @param detail what was refused and from whom
   */
  public void refuse(Refusal reason, String detail) {
    Tally tally = tallies.get(reason);
    tally.total.increment();
    long now = nanoClock.getAsLong();
    long last = tally.lastLogged.get();
    if (now - last >= QUIET.toNanos() && tally.lastLogged.compareAndSet(last, now)) {
      long unlogged = tally.unlogged.getAndSet(0);
      LOG.log(
          WARNING,
          "refused ({0}): {1}{2}",
          reason.label(),
          detail,
          unlogged == 0 ? "" : "; and " + unlogged + " more since the last such line");
    } else {
      tally.unlogged.incrementAndGet();
    }
  }

  /** How many were refused for {@code reason}. */
  public long count(Refusal reason) {
    return tallies.get(reason).total.sum();
  }

  /** How many were refused in all. */
  public long total() {
    return tallies.values().stream().mapToLong(tally -> tally.total.sum()).sum();
  }

  /** A copy of all counts, zeroes included. */
  public Map<Refusal, Long> counts() {
    Map<Refusal, Long> counts = new EnumMap<>(Refusal.class);
    tallies.forEach((reason, tally) -> counts.put(reason, tally.total.sum()));
    return counts;
  }

  private record Tally(LongAdder total, AtomicLong unlogged, AtomicLong lastLogged) {}
}
