package org.hetermoe.compute.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** Rotary position embedding over rows [from, to), in place. */
final class RopeKernel {
  private RopeKernel() {}

  /** Turns by the angle, or back by it if {@code sign} is -1. */
  static void rotate(
      long x,
      long cos,
      long sin,
      float sign,
      int columns,
      int headDim,
      int length,
      int from,
      int to) {
    int half = headDim / 2;
    for (int t = from; t < to; t++) {
      long table = 4L * (t % length) * half;
      long row = x + 4L * t * columns;
      for (int head = 0; head < columns; head += headDim) {
        rotate(row + 4L * head, cos + table, sin + table, sign, half);
      }
    }
  }

  private static void rotate(long head, long cos, long sin, float sign, int half) {
    long second = head + 4L * half;
    int whole = Lanes.whole(half);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      long at = 4L * i;
      FloatVector a = Lanes.load(head + at);
      FloatVector b = Lanes.load(second + at);
      FloatVector c = Lanes.load(cos + at);
      FloatVector s = Lanes.load(sin + at).mul(sign);
      Lanes.store(a.mul(c).sub(b.mul(s)), head + at);
      Lanes.store(b.mul(c).add(a.mul(s)), second + at);
    }
    if (whole < half) {
      long at = 4L * whole;
      VectorMask<Float> mask = Lanes.first(half - whole);
      FloatVector a = Lanes.load(head + at, mask);
      FloatVector b = Lanes.load(second + at, mask);
      FloatVector c = Lanes.load(cos + at, mask);
      FloatVector s = Lanes.load(sin + at, mask).mul(sign);
      Lanes.store(a.mul(c).sub(b.mul(s)), head + at, mask);
      Lanes.store(b.mul(c).add(a.mul(s)), second + at, mask);
    }
  }
}
