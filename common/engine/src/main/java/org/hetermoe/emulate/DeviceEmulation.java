package org.hetermoe.emulate;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.Pass;
import org.hetermoe.model.ModelShape;
import org.hetermoe.run.Recompute;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.train.step.Computation;
import org.hetermoe.train.step.TaskListener;

/**
 * Holds a rank to the pace of a device that is not there: work that was computed for real has taken
 * its time when as much has passed as the device's profile says. Where the real computing took
 * longer, it is counted as late. For one worker's thread.
 */
public final class DeviceEmulation implements TaskListener {
  /** What is left is waited for without giving the processor away. */
  private static final long SPIN_NANOS = 60_000;

  private static final System.Logger LOG = System.getLogger(DeviceEmulation.class.getName());

  private final DeviceProfile device;
  private final ModelShape model;
  private final int length;
  private final AtomicLong late = new AtomicLong();
  private final AtomicLong lateNanos = new AtomicLong();
  private long nextWarning = 1;

  /**
   * A device for a model.
   *
   * @param device with its time scale, as {@link org.hetermoe.device.ScaledProfile}
   * @param length tokens of a sequence
   */
  public DeviceEmulation(DeviceProfile device, ModelShape model, int length) {
    this.device = device;
    this.model = model;
    this.length = length;
  }

  /** How often computing for real took longer than the device would have. */
  public long late() {
    return late.get();
  }

  /** By how much in all, nanoseconds. */
  public long lateNanos() {
    return lateNanos.get();
  }

  @Override
  public void computed(Computation computation, long sinceNanos) throws InterruptedException {
    until(sinceNanos, seconds(computation));
  }

  private double seconds(Computation computation) {
    return switch (computation) {
      case Computation.Attention(int layer, int sequences, Direction direction, boolean again) ->
          device.attentionSeconds(model, sequences, length, pass(direction))
              + (again ? device.attentionSeconds(model, sequences, length, Pass.FORWARD) : 0);
      case Computation.Embedding(int tokens, Direction direction) ->
          device.embeddingSeconds(model, tokens, pass(direction));
      case Computation.Head(int tokens, Direction direction) ->
          device.headSeconds(model, tokens, pass(direction));
      case Computation.Experts(int layer, int[] rows, Direction direction, boolean again) ->
          expertSeconds(rows, pass(direction))
              + (again ? Recompute.EXPERT_SHARE * expertSeconds(rows, Pass.FORWARD) : 0);
      case Computation.Optimizer(long parameters) -> device.optimizerSeconds(parameters);
    };
  }

  private double expertSeconds(int[] rows, Pass pass) {
    return Arrays.stream(rows)
        .filter(count -> count > 0)
        .mapToDouble(count -> device.expertSeconds(model, count, pass))
        .sum();
  }

  private void until(long startNanos, double seconds) throws InterruptedException {
    long nanos = Math.round(seconds * 1e9);
    long left = nanos - (System.nanoTime() - startNanos);
    if (left < 0) {
      note(-left, seconds);
      return;
    }
    while (left > 0) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      if (left > SPIN_NANOS) {
        LockSupport.parkNanos(left - SPIN_NANOS);
      } else {
        Thread.onSpinWait();
      }
      left = nanos - (System.nanoTime() - startNanos);
    }
  }

  /** Says so at the first time, the tenth, the hundredth. */
  private void note(long lateBy, double seconds) {
    long times = late.incrementAndGet();
    long sum = lateNanos.addAndGet(lateBy);
    if (times == nextWarning) {
      nextWarning *= 10;
      LOG.log(
          System.Logger.Level.WARNING,
          "computing for real takes longer than {0} would: {1} times, {2} ms in all, now"
              + " {3} ms more than {4} ms; a larger time scale leaves room",
          device.name(),
          times,
          sum / 1_000_000,
          lateBy * 1e-6,
          seconds * 1e3);
    }
  }

  private static Pass pass(Direction direction) {
    return switch (direction) {
      case FORWARD -> Pass.FORWARD;
      case BACKWARD -> Pass.BACKWARD;
    };
  }
}
