package org.hetermoe.compute.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** The parts of a softmax over one row. */
final class SoftmaxKernel {
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

  /** The sum of e^(x - max). */
  static float sumOfExp(long row, int count, float max) {
    FloatVector sum = Lanes.broadcast(0f);
    int whole = Lanes.whole(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      sum = sum.add(VectorMath.exp(Lanes.load(row + 4L * i).sub(max)));
    }
    if (whole < count) {
      VectorMask<Float> mask = Lanes.first(count - whole);
      sum = sum.add(VectorMath.exp(Lanes.load(row + 4L * whole, mask).sub(max)), mask);
    }
    return Lanes.sum(sum);
  }

  /** {@code target = e^(x - max)}; returns its sum. target may be row. */
  static float exp(long row, long target, int count, float max) {
    FloatVector sum = Lanes.broadcast(0f);
    int whole = Lanes.whole(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      FloatVector e = VectorMath.exp(Lanes.load(row + 4L * i).sub(max));
      Lanes.store(e, target + 4L * i);
      sum = sum.add(e);
    }
    if (whole < count) {
      VectorMask<Float> mask = Lanes.first(count - whole);
      FloatVector e = VectorMath.exp(Lanes.load(row + 4L * whole, mask).sub(max));
      Lanes.store(e, target + 4L * whole, mask);
      sum = sum.add(e, mask);
    }
    return Lanes.sum(sum);
  }

  /** {@code target = scale * e^(x - logSumExp)}; target may be row. */
  static void scaled(long row, long target, int count, float logSumExp, float scale) {
    int whole = Lanes.whole(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      FloatVector e = VectorMath.exp(Lanes.load(row + 4L * i).sub(logSumExp));
      Lanes.store(e.mul(scale), target + 4L * i);
    }
    if (whole < count) {
      VectorMask<Float> mask = Lanes.first(count - whole);
      FloatVector e = VectorMath.exp(Lanes.load(row + 4L * whole, mask).sub(logSumExp));
      Lanes.store(e.mul(scale), target + 4L * whole, mask);
    }
  }

  /**
   * The gradient of a row of scores: turns scores into probabilities p = e^(s - logSumExp), and the
   * gradients of p into those of the unscaled scores, p * (dp - pull) * scale.
   */
  static void backward(long s, long dp, int count, float logSumExp, float pull, float scale) {
    int whole = Lanes.whole(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      long at = 4L * i;
      FloatVector p = VectorMath.exp(Lanes.load(s + at).sub(logSumExp));
      Lanes.store(p, s + at);
      Lanes.store(p.mul(Lanes.load(dp + at).sub(pull)).mul(scale), dp + at);
    }
    if (whole < count) {
      long at = 4L * whole;
      VectorMask<Float> mask = Lanes.first(count - whole);
      FloatVector p = VectorMath.exp(Lanes.load(s + at, mask).sub(logSumExp));
      Lanes.store(p, s + at, mask);
      Lanes.store(p.mul(Lanes.load(dp + at, mask).sub(pull)).mul(scale), dp + at, mask);
    }
  }
}
