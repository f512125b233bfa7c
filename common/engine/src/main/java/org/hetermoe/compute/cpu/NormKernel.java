package org.hetermoe.compute.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** RMSNorm over rows [from, to). */
final class NormKernel {
  private NormKernel() {}

  static void forward(
      long x, long weight, float epsilon, long y, long inverseRms, int columns, int from, int to) {
    int whole = Lanes.whole(columns);
    VectorMask<Float> mask = Lanes.first(columns - whole);
    for (int t = from; t < to; t++) {
      long xRow = x + 4L * t * columns;
      long yRow = y + 4L * t * columns;
      float mean = ElementKernel.dot(xRow, xRow, columns) / columns;
      float inverse = (float) (1 / Math.sqrt(mean + epsilon)); // sqrt is exactly rounded
      Lanes.put(inverseRms + 4L * t, inverse);
      for (int i = 0; i < whole; i += Lanes.COUNT) {
        long at = 4L * i;
        Lanes.store(Lanes.load(xRow + at).mul(inverse).mul(Lanes.load(weight + at)), yRow + at);
      }
      if (whole < columns) {
        long at = 4L * whole;
        FloatVector last = Lanes.load(xRow + at, mask).mul(inverse);
        Lanes.store(last.mul(Lanes.load(weight + at, mask)), yRow + at, mask);
      }
    }
  }

  /** dx +=; writes the sum over these rows of the gradient of the weight to {@code partial}. */
  static void backward(
      long x,
      long weight,
      long inverseRms,
      long dy,
      long dx,
      long partial,
      int columns,
      int from,
      int to) {
    int whole = Lanes.whole(columns);
    VectorMask<Float> mask = Lanes.first(columns - whole);
    ElementKernel.fill(partial, columns, 0f);
    for (int t = from; t < to; t++) {
      long row = 4L * t * columns;
      float inverse = Lanes.get(inverseRms + 4L * t);
      float dot = weightedDot(x + row, weight, dy + row, columns);
      float pull = dot * inverse * inverse * inverse / columns;
      for (int i = 0; i < whole; i += Lanes.COUNT) {
        long at = 4L * i;
        FloatVector g = Lanes.load(dy + row + at).mul(inverse);
        FloatVector xs = Lanes.load(x + row + at);
        FloatVector d = g.fma(Lanes.load(weight + at), Lanes.load(dx + row + at));
        Lanes.store(d.sub(xs.mul(pull)), dx + row + at);
        Lanes.store(g.fma(xs, Lanes.load(partial + at)), partial + at);
      }
      if (whole < columns) {
        long at = 4L * whole;
        FloatVector g = Lanes.load(dy + row + at, mask).mul(inverse);
        FloatVector xs = Lanes.load(x + row + at, mask);
        FloatVector d = g.fma(Lanes.load(weight + at, mask), Lanes.load(dx + row + at, mask));
        Lanes.store(d.sub(xs.mul(pull)), dx + row + at, mask);
        Lanes.store(g.fma(xs, Lanes.load(partial + at, mask)), partial + at, mask);
      }
    }
  }

  private static float weightedDot(long x, long weight, long dy, int columns) {
    FloatVector sum = Lanes.broadcast(0f);
    int whole = Lanes.whole(columns);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      long at = 4L * i;
      sum = Lanes.load(dy + at).mul(Lanes.load(weight + at)).fma(Lanes.load(x + at), sum);
    }
    if (whole < columns) {
      long at = 4L * whole;
      VectorMask<Float> mask = Lanes.first(columns - whole);
      FloatVector last = Lanes.load(dy + at, mask).mul(Lanes.load(weight + at, mask));
      sum = last.fma(Lanes.load(x + at, mask), sum);
    }
    return Lanes.sum(sum);
  }
}
