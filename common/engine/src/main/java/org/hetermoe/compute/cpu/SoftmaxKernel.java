package org.hetermoe.compute.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** The parts of a softmax over one row. */
final class SoftmaxKernel {
  /** Exponentials that are held at once where only their sum is wanted: 8 KiB. */
  private static final int CHUNK = 2048;

  private SoftmaxKernel() {}

  static float max(long row, int count) {
    FloatVector max = Lanes.broadcast(Float.NEGATIVE_INFINITY);
    int whole = Lanes.whole(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      max = Lanes.larger(max, Lanes.load(row + 4L * i));
    }
    if (whole < count) {
      VectorMask<Float> mask = Lanes.first(count - whole);
      FloatVector last = Lanes.load(row + 4L * whole, mask);
      max = max.blend(Lanes.larger(max, last), mask);
    }
    return Lanes.max(max);
  }

  /** The sum of a row, in four interleaved sums per lane: one would wait for itself. */
  static float sum(long row, int count) {
    FloatVector a = Lanes.broadcast(0f);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    int i = 0;
    int unrolled = count & -(4 * Lanes.COUNT);
    for (; i < unrolled; i += 4 * Lanes.COUNT) {
      long at = row + 4L * i;
      a = a.add(Lanes.load(at));
      b = b.add(Lanes.load(at + Lanes.BYTES));
      c = c.add(Lanes.load(at + 2L * Lanes.BYTES));
      d = d.add(Lanes.load(at + 3L * Lanes.BYTES));
    }
    int whole = Lanes.whole(count);
    for (; i < whole; i += Lanes.COUNT) {
      a = a.add(Lanes.load(row + 4L * i));
    }
    if (whole < count) {
      b = b.add(Lanes.load(row + 4L * whole, Lanes.first(count - whole)));
    }
    return Lanes.sum(a.add(b).add(c.add(d)));
  }

  /** {@code target = e^(row - max)}; returns its sum. target may be row. */
  static float exp(long row, long target, int count, float max) {
    VectorMath.exp(row, 1f, -max, target, count);
    return sum(target, count);
  }

  /** The sum of e^(x - max). */
  static float sumOfExp(long row, int count, float max, Scratch scratch) {
    long held = scratch.floats(CHUNK);
    float sum = 0f;
    for (int from = 0; from < count; from += CHUNK) {
      sum += exp(row + 4L * from, held, Math.min(CHUNK, count - from), max);
    }
    return sum;
  }

  /** {@code dp = p * (dp - pull) * scale}: from the gradient of p to that of the scores. */
  static void backward(long p, long dp, int count, float pull, float scale) {
    int whole = Lanes.whole(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      long at = 4L * i;
      FloatVector d = Lanes.load(dp + at).sub(pull).mul(Lanes.load(p + at));
      Lanes.store(d.mul(scale), dp + at);
    }
    if (whole < count) {
      long at = 4L * whole;
      VectorMask<Float> mask = Lanes.first(count - whole);
      FloatVector d = Lanes.load(dp + at, mask).sub(pull).mul(Lanes.load(p + at, mask));
      Lanes.store(d.mul(scale), dp + at, mask);
    }
  }
}
