package org.hetermoe.train.step;

import java.util.EnumMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Work;

/** What a rank does with the time of a step: how much of it it computes, and what. */
public final class BusyShares implements TaskListener {
  private final LongSupplier waitedNanos;
  private final Map<Work, Long> computed = new EnumMap<>(Work.class);
  private long beganNanos;
  private long waitedBefore;

  /**
   * The shares of a step that begins now.
   *
   * @param waitedNanos how long the rank has waited for others so far
   */
  public BusyShares(LongSupplier waitedNanos) {
    this.waitedNanos = waitedNanos;
    beginStep(0);
  }

  /**
   * What a rank did with a step.
   *
   * @param busy share of it that it did not wait for others, between 0 and 1
   * @param attentionSeconds spent on the attention side's tasks, waiting left out
   * @param expertSeconds spent on experts, waiting left out
   */
  public record Times(double busy, double attentionSeconds, double expertSeconds) {}

  @Override
  public void beginStep(int step) {
    computed.clear();
    beganNanos = System.nanoTime();
    waitedBefore = waitedNanos.getAsLong();
  }

  @Override
  public void end(Task task, TaskMeasurement measurement) {
    computed.merge(task.work(), measurement.deviceNanos(), Long::sum);
  }

  /** What the step has been until now. */
  public Times times() {
    double elapsed = Math.max(1, System.nanoTime() - beganNanos);
    double waited = waitedNanos.getAsLong() - waitedBefore;
    return new Times(
        Math.clamp((elapsed - waited) / elapsed, 0.0, 1.0),
        seconds(Work.ATTENTION),
        seconds(Work.EXPERTS));
  }

  private double seconds(Work work) {
    return computed.getOrDefault(work, 0L) / 1e9;
  }
}
