package org.hetermoe.compute.cpu;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Element by element: fill, add, scale; dot products and the sum of squares. */
final class ElementKernel {
  private static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_PREFERRED;

  private ElementKernel() {}

  static void fill(long x, int count, float value) {
    FloatVector values = Lanes.broadcast(value);
    int whole = Lanes.whole(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      Lanes.store(values, x + 4L * i);
    }
    if (whole < count) {
      Lanes.store(values, x + 4L * whole, Lanes.first(count - whole));
    }
  }

  static void add(long source, long target, int count) {
    int whole = Lanes.whole(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      long at = 4L * i;
      Lanes.store(Lanes.load(target + at).add(Lanes.load(source + at)), target + at);
    }
    if (whole < count) {
      long at = 4L * whole;
      VectorMask<Float> mask = Lanes.first(count - whole);
      FloatVector sum = Lanes.load(target + at, mask).add(Lanes.load(source + at, mask));
      Lanes.store(sum, target + at, mask);
    }
  }

  /** target += factor * source. */
  static void addScaled(long source, float factor, long target, int count) {
    int whole = Lanes.whole(count);
    FloatVector factors = Lanes.broadcast(factor);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      long at = 4L * i;
      Lanes.store(Lanes.load(source + at).fma(factors, Lanes.load(target + at)), target + at);
    }
    if (whole < count) {
      long at = 4L * whole;
      VectorMask<Float> mask = Lanes.first(count - whole);
      FloatVector sum = Lanes.load(source + at, mask).fma(factors, Lanes.load(target + at, mask));
      Lanes.store(sum, target + at, mask);
    }
  }

  /** target = factor * source; they may be the same. */
  static void scale(long source, float factor, long target, int count) {
    int whole = Lanes.whole(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      long at = 4L * i;
      Lanes.store(Lanes.load(source + at).mul(factor), target + at);
    }
    if (whole < count) {
      long at = 4L * whole;
      VectorMask<Float> mask = Lanes.first(count - whole);
      Lanes.store(Lanes.load(source + at, mask).mul(factor), target + at, mask);
    }
  }

  static float dot(long a, long b, int count) {
    FloatVector sum = Lanes.broadcast(0f);
    int whole = Lanes.whole(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      long at = 4L * i;
      sum = Lanes.load(a + at).fma(Lanes.load(b + at), sum);
    }
    if (whole < count) {
      long at = 4L * whole;
      VectorMask<Float> mask = Lanes.first(count - whole);
      sum = Lanes.load(a + at, mask).fma(Lanes.load(b + at, mask), sum);
    }
    return Lanes.sum(sum);
  }

  static double sumOfSquares(long x, int count) {
    DoubleVector low = DoubleVector.zero(DOUBLES);
    DoubleVector high = DoubleVector.zero(DOUBLES);
    int whole = Lanes.whole(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      FloatVector v = Lanes.load(x + 4L * i);
      DoubleVector a = half(v, 0);
      DoubleVector b = half(v, 1);
      low = a.fma(a, low);
      high = b.fma(b, high);
    }
    if (whole < count) {
      FloatVector v = Lanes.load(x + 4L * whole, Lanes.first(count - whole));
      DoubleVector a = half(v, 0);
      DoubleVector b = half(v, 1);
      low = a.fma(a, low);
      high = b.fma(b, high);
    }
    double sum = 0;
    for (double lane : low.add(high).toArray()) {
      sum += lane;
    }
    return sum;
  }

  private static DoubleVector half(FloatVector v, int part) {
    return (DoubleVector) v.convertShape(VectorOperators.F2D, DOUBLES, part);
  }
}
