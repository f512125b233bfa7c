package org.hetermoe.train.step;

import java.util.EnumMap;
import java.util.Map;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Work;

/** What a rank does with the time of a step: how much of it it computes, and what. */
public final class BusyShares implements TaskListener {
  private final Map<Work, Long> computed = new EnumMap<>(Work.class);
  private long beganNanos = System.nanoTime();
  private long busyNanos;

  /**
   * What a rank did with a step.
   *
   * @param busy share of it that the device computed, between 0 and 1
   * @param attentionSeconds that the device spent on the attention side's tasks
   * @param expertSeconds that it spent on experts
   */
  public record Times(double busy, double attentionSeconds, double expertSeconds) {}

  @Override
  public void beginStep(int step) {
    computed.clear();
    beganNanos = System.nanoTime();
    busyNanos = 0;
  }

  @Override
  public void end(Task task, TaskMeasurement measurement) {
    computed.merge(task.work(), measurement.deviceNanos(), Long::sum);
    busyNanos += measurement.deviceNanos();
  }

  @Override
  public void betweenTasks(long deviceNanos) {
    busyNanos += deviceNanos;
  }

  /** What the step has been until now, as far as it was told. */
  public Times times() {
    double elapsed = Math.max(1, System.nanoTime() - beganNanos);
    return new Times(
        Math.clamp(busyNanos / elapsed, 0.0, 1.0), seconds(Work.ATTENTION), seconds(Work.EXPERTS));
  }

  private double seconds(Work work) {
    return computed.getOrDefault(work, 0L) / 1e9;
  }
}
