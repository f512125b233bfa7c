package org.hetermoe.compute.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * The exponential function from additions, multiplications and fused multiply-adds alone. Each of
 * those is exactly rounded, so the bits are the same in the interpreter and in compiled code; the
 * lane-wise {@code EXP} of the Vector API calls different libraries in the two.
 *
 * <p>It works on arrays, not on single vectors: a method on vectors that the just-in-time compiler
 * decides not to inline costs a hundred times its work, and it decides by what ran before.
 */
final class VectorMath {
  private static final double LN2 = 0.6931471805599453;
  private static final float LOG2_E = (float) (1 / LN2);

  /** Adding and subtracting 1.5 * 2^23 rounds to an integer; it then sits in the low bits. */
  private static final float ROUND = 0x1.8p23f;

  /** ln 2 cut to 13 bits, so that its product with the exponent is exact; negative. */
  private static final float MINUS_LN2_HIGH = -0x1.62ep-1f;

  private static final float MINUS_LN2_LOW = (float) (0x1.62ep-1 - LN2);

  /** ln of the smallest normal number; below it the result is 0. */
  private static final float LOWEST = -87.33654f;

  /** ln of the largest number; above it the result is infinite. */
  private static final float HIGHEST = 88.72283f;

  private static final int MANTISSA_BITS = 23;

  private VectorMath() {}

  /**
   * {@code y = e^(factor * x + shift)} within 1.5 units in the last place of e; 0 where that is
   * below the normal numbers, infinity above them, NaN of NaN. y may be x.
   *
   * <p>The exponent is n ln 2 + r with |r| at most half of ln 2; e^r by its Taylor polynomial of
   * degree 7, whose rest is below 6e-9; n is added to the exponent bits.
   */
  static void exp(long x, float factor, float shift, long y, int count) {
    FloatVector factors = Lanes.broadcast(factor);
    FloatVector shifts = Lanes.broadcast(shift);
    int whole = Lanes.whole(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      Lanes.store(exp(Lanes.load(x + 4L * i).fma(factors, shifts)), y + 4L * i);
    }
    if (whole < count) {
      expOfLast(x + 4L * whole, factors, shifts, y + 4L * whole, count - whole);
    }
  }

  private static void expOfLast(
      long x, FloatVector factors, FloatVector shifts, long y, int count) {
    VectorMask<Float> mask = Lanes.first(count);
    Lanes.store(exp(Lanes.load(x, mask).fma(factors, shifts)), y, mask);
  }

  private static FloatVector exp(FloatVector x) {
    FloatVector shifted = x.mul(LOG2_E).add(ROUND);
    FloatVector n = shifted.sub(ROUND);
    FloatVector r = n.fma(FloatVector.broadcast(Lanes.SPECIES, MINUS_LN2_HIGH), x);
    r = n.fma(FloatVector.broadcast(Lanes.SPECIES, MINUS_LN2_LOW), r);
    FloatVector p = FloatVector.broadcast(Lanes.SPECIES, 1f / 5040f);
    p = p.fma(r, FloatVector.broadcast(Lanes.SPECIES, 1f / 720f));
    p = p.fma(r, FloatVector.broadcast(Lanes.SPECIES, 1f / 120f));
    p = p.fma(r, FloatVector.broadcast(Lanes.SPECIES, 1f / 24f));
    p = p.fma(r, FloatVector.broadcast(Lanes.SPECIES, 1f / 6f));
    p = p.fma(r, FloatVector.broadcast(Lanes.SPECIES, 0.5f));
    p = p.fma(r.mul(r), r).add(1f);
    IntVector exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, MANTISSA_BITS);
    FloatVector e = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    e = e.blend(0f, x.compare(VectorOperators.LT, LOWEST));
    return e.blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, HIGHEST));
  }
}
