package org.hetermoe.compute.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The exponential function from additions, multiplications and fused multiply-adds alone. Each of
 * those is exactly rounded, so the bits are the same in the interpreter and in compiled code; the
 * lane-wise {@code EXP} of the Vector API calls different libraries in the two.
 */
final class VectorMath {
  /** Adding and subtracting 1.5 * 2^23 rounds to an integer; it then sits in the low bits. */
  private static final float ROUND = 0x1.8p23f;

  private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);
  private static final float LOG2_E = (float) (1 / 0.6931471805599453);

  /** ln 2 cut to 13 bits, so that its product with the exponent is exact. */
  private static final float LN2_HIGH = 0x1.62ep-1f;

  private static final float LN2_LOW = (float) (0.6931471805599453 - 0x1.62ep-1);

  /** Below it the result is 0. */
  private static final float LOWEST = -104f;

  /** Above it the result is infinite. */
  private static final float HIGHEST = 89f;

  private VectorMath() {}

  /**
   * e^x within 1.5 units in the last place; 0 below -104, infinity above 88.73, NaN of NaN.
   *
   * <p>x = n ln 2 + r with |r| at most half of ln 2; e^r by its Taylor polynomial of degree 7,
   * whose rest is below 6e-9; 2^n in two factors, since either half of n fits the exponent of a
   * float.
   */
  static FloatVector exp(FloatVector x) {
    FloatVector bounded = x.blend(LOWEST, x.lt(LOWEST));
    bounded = bounded.blend(HIGHEST, bounded.lt(HIGHEST).not().and(bounded.eq(bounded)));
    FloatVector shifted = bounded.mul(LOG2_E).add(ROUND);
    FloatVector n = shifted.sub(ROUND);
    FloatVector r = n.fma(Lanes.broadcast(-LN2_HIGH), bounded);
    r = n.fma(Lanes.broadcast(-LN2_LOW), r);
    FloatVector p = Lanes.broadcast(1f / 5040f);
    p = p.fma(r, Lanes.broadcast(1f / 720f));
    p = p.fma(r, Lanes.broadcast(1f / 120f));
    p = p.fma(r, Lanes.broadcast(1f / 24f));
    p = p.fma(r, Lanes.broadcast(1f / 6f));
    p = p.fma(r, Lanes.broadcast(0.5f));
    p = p.fma(r.mul(r), r).add(1f);
    IntVector exponent = shifted.reinterpretAsInts().sub(ROUND_BITS);
    IntVector half = exponent.lanewise(VectorOperators.ASHR, 1);
    return p.mul(powerOfTwo(half)).mul(powerOfTwo(exponent.sub(half)));
  }

  private static FloatVector powerOfTwo(IntVector exponent) {
    return exponent.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
  }

  /** 1 / (1 + e^-x). */
  static FloatVector sigmoid(FloatVector x) {
    return Lanes.broadcast(1f).div(exp(x.neg()).add(1f));
  }
}
