package org.hetermoe.train;

import java.util.EnumMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.hetermoe.schedule.Task.Work;

/** Measures what a worker does with the time of a step: how much it computes, and what. */
final class WorkClock {
  private final LongSupplier waitedNanos;
  private final Map<Work, Long> computed = new EnumMap<>(Work.class);
  private long beganNanos;
  private long computedBefore;

  /**
   * A clock of a step that begins now.
   *
   * @param waitedNanos how long the worker has waited for others so far
   */
  WorkClock(LongSupplier waitedNanos) {
    this.waitedNanos = waitedNanos;
    begin();
  }

  /**
   * What a worker did with a step.
   *
   * @param busy share of it that it did not wait for others, between 0 and 1
   * @param attentionSeconds spent on the attention side's tasks, waiting left out
   * @param expertSeconds spent on experts, waiting left out
   */
  record Times(double busy, double attentionSeconds, double expertSeconds) {}

  /** A piece of work. */
  interface Piece {
    void run() throws InterruptedException;
  }

  /** A step begins. */
  void begin() {
    computed.clear();
    beganNanos = System.nanoTime();
    computedBefore = computedNanos();
  }

  /** Does a piece of work and counts its time, waiting left out. */
  void run(Work work, Piece piece) throws InterruptedException {
    long before = computedNanos();
    piece.run();
    computed.merge(work, computedNanos() - before, Long::sum);
  }

  /** What the step has been until now. */
  Times times() {
    double elapsed = Math.max(1, System.nanoTime() - beganNanos);
    return new Times(
        Math.clamp((computedNanos() - computedBefore) / elapsed, 0.0, 1.0),
        seconds(Work.ATTENTION),
        seconds(Work.EXPERTS));
  }

  private double seconds(Work work) {
    return computed.getOrDefault(work, 0L) / 1e9;
  }

  private long computedNanos() {
    return System.nanoTime() - waitedNanos.getAsLong();
  }
}
