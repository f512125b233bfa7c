package org.hetermoe.benchmark.gpu;

import java.util.Arrays;
import org.hetermoe.compute.Compute;

/**
 * Times what a device does: calls in batches, so that waiting for the device is no part of them.
 */
final class Timer {
  private static final int BATCHES = 5;
  private static final int MOST_CALLS = 200;

  /** Of a call so long one batch will do: it is no matter of luck, and time is short. */
  private static final double LONG_CALL_SECONDS = 0.5;

  private final Compute compute;
  private final long batchNanos;

  /**
   * A timer of a device.
   *
   * @param batchNanos how long a batch of calls is meant to take
   */
  Timer(Compute compute, long batchNanos) {
    this.compute = compute;
    this.batchNanos = batchNanos;
  }

  /** Seconds of a call: the median of several batches; of a long one, the second call's. */
  double seconds(Runnable operation) {
    batch(operation, 1); // kernels are compiled and memory is taken
    double first = batch(operation, 1);
    if (first > LONG_CALL_SECONDS) {
      return first;
    }
    int calls = Math.clamp(Math.round(batchNanos * 1e-9 / first), 1, MOST_CALLS);
    double[] batches = new double[BATCHES];
    for (int i = 0; i < BATCHES; i++) {
      batches[i] = batch(operation, calls) / calls;
    }
    Arrays.sort(batches);
    return batches[BATCHES / 2];
  }

  private double batch(Runnable operation, int calls) {
    compute.synchronize();
    long begin = System.nanoTime();
    for (int call = 0; call < calls; call++) {
      operation.run();
    }
    compute.synchronize();
    return (System.nanoTime() - begin) * 1e-9;
  }
}
