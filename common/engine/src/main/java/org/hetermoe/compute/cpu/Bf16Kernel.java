package org.hetermoe.compute.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** From bf16 to single precision, which is exact, and back, rounded to nearest, ties to even. */
final class Bf16Kernel {
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;

  /** As many shorts as a register has floats. */
  private static final VectorSpecies<Short> SHORTS =
      VectorSpecies.of(
          short.class, VectorShape.forBitSize(Lanes.SPECIES.vectorBitSize() / Short.BYTES));

  /** Half of the last place that stays, less one. */
  private static final int HALF = 0x7fff;

  /** What makes a number that is not one quiet, so that cutting it off leaves none infinite. */
  private static final int QUIET = 0x40;

  private Bf16Kernel() {}

  /** Floats at {@code target} from as many of bf16 at {@code source}. */
  static void widen(long source, long target, int count) {
    int whole = Lanes.whole(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      ShortVector stored = Lanes.loadShorts(SHORTS, source + 2L * i);
      IntVector bits = (IntVector) stored.convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
      FloatVector value = bits.lanewise(VectorOperators.LSHL, Short.SIZE).reinterpretAsFloats();
      Lanes.store(value, target + 4L * i);
    }
    for (int i = whole; i < count; i++) {
      Lanes.putInt(target + 4L * i, Lanes.getShort(source + 2L * i) << Short.SIZE);
    }
  }

  /** Numbers of bf16 at {@code target} from as many floats at {@code source}. */
  static void round(long source, long target, int count) {
    int whole = Lanes.whole(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      FloatVector value = Lanes.load(source + 4L * i);
      IntVector bits = value.reinterpretAsInts();
      IntVector high = bits.lanewise(VectorOperators.LSHR, Short.SIZE);
      IntVector rounded =
          bits.add(high.and(1)).add(HALF).lanewise(VectorOperators.LSHR, Short.SIZE);
      VectorMask<Integer> nan = value.test(VectorOperators.IS_NAN).cast(INTS);
      IntVector kept = rounded.blend(high.or(QUIET), nan);
      Lanes.storeShorts(
          (ShortVector) kept.convertShape(VectorOperators.I2S, SHORTS, 0), target + 2L * i);
    }
    for (int i = whole; i < count; i++) {
      Lanes.putShort(target + 2L * i, round(Lanes.getInt(source + 4L * i)));
    }
  }

  private static short round(int bits) {
    int high = bits >>> Short.SIZE;
    if (Float.isNaN(Float.intBitsToFloat(bits))) {
      return (short) (high | QUIET);
    }
    return (short) ((bits + HALF + (high & 1)) >>> Short.SIZE);
  }
}
