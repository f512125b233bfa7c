package org.hetermoe.compute.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Loads and stores at raw addresses, and sums over lanes in a fixed order.
 *
 * <p>All accesses go through one constant segment over the whole address space, so that the
 * compiler folds its checks of bounds, alignment and lifetime away; {@code HostTensor.address()}
 * has checked lifetime, and {@code Operands} bounds.
 */
final class Lanes {
  static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  /** Floats in a register. */
  static final int COUNT = SPECIES.length();

  /** Bytes in a register. */
  static final int BYTES = COUNT * Float.BYTES;

  private static final MemorySegment ALL = everything();
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();

  private static final VectorShuffle<Float> BY_8 = VectorShuffle.iota(SPECIES, 8, 1, true);
  private static final VectorShuffle<Float> BY_4 = VectorShuffle.iota(SPECIES, 4, 1, true);
  private static final VectorShuffle<Float> BY_2 = VectorShuffle.iota(SPECIES, 2, 1, true);
  private static final VectorShuffle<Float> BY_1 = VectorShuffle.iota(SPECIES, 1, 1, true);

  static {
    if (COUNT != 16 && COUNT != 8 && COUNT != 4) {
      throw new ExceptionInInitializerError("no support for vectors of " + COUNT + " floats");
    }
  }

  private Lanes() {}

  @SuppressWarnings("restricted") // the product is started with --enable-native-access
  private static MemorySegment everything() {
    return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  }

  static FloatVector load(long address) {
    return FloatVector.fromMemorySegment(SPECIES, ALL, address, ORDER);
  }

  /** Loads the lanes that are set in the mask, 0 elsewhere. */
  static FloatVector load(long address, VectorMask<Float> mask) {
    return FloatVector.fromMemorySegment(SPECIES, ALL, address, ORDER, mask);
  }

  static void store(FloatVector vector, long address) {
    vector.intoMemorySegment(ALL, address, ORDER);
  }

  static void store(FloatVector vector, long address, VectorMask<Float> mask) {
    vector.intoMemorySegment(ALL, address, ORDER, mask);
  }

  static FloatVector broadcast(float value) {
    return FloatVector.broadcast(SPECIES, value);
  }

  /** The mask of the first {@code count} lanes. */
  static VectorMask<Float> first(int count) {
    return SPECIES.indexInRange(0, count);
  }

  /** The largest multiple of the register's lanes that is not above {@code count}. */
  static int whole(int count) {
    return count & -COUNT;
  }

  static float get(long address) {
    return ALL.get(JAVA_FLOAT_UNALIGNED, address);
  }

  static void put(long address, float value) {
    ALL.set(JAVA_FLOAT_UNALIGNED, address, value);
  }

  static int getInt(long address) {
    return ALL.get(JAVA_INT_UNALIGNED, address);
  }

  static void putInt(long address, int value) {
    ALL.set(JAVA_INT_UNALIGNED, address, value);
  }

  static short getShort(long address) {
    return ALL.get(JAVA_SHORT_UNALIGNED, address);
  }

  static void putShort(long address, short value) {
    ALL.set(JAVA_SHORT_UNALIGNED, address, value);
  }

  static ShortVector loadShorts(VectorSpecies<Short> species, long address) {
    return ShortVector.fromMemorySegment(species, ALL, address, ORDER);
  }

  static void storeShorts(ShortVector vector, long address) {
    vector.intoMemorySegment(ALL, address, ORDER);
  }

  /** Sets bytes to 0. */
  static void clear(long address, long bytes) {
    ALL.asSlice(address, bytes).fill((byte) 0);
  }

  static void copy(long source, long target, long bytes) {
    MemorySegment.copy(ALL, source, ALL, target, bytes);
  }

  /**
   * The sum of the lanes, by halving. Not {@code reduceLanes}: its order of additions differs
   * between the interpreter and compiled code.
   */
  static float sum(FloatVector v) {
    FloatVector folded = v;
    if (COUNT >= 16) {
      folded = folded.add(folded.rearrange(BY_8));
    }
    if (COUNT >= 8) {
      folded = folded.add(folded.rearrange(BY_4));
    }
    folded = folded.add(folded.rearrange(BY_2));
    folded = folded.add(folded.rearrange(BY_1));
    return folded.lane(0);
  }

  /** The largest lane; maxima do not depend on an order. */
  static float max(FloatVector v) {
    FloatVector folded = v;
    if (COUNT >= 16) {
      folded = larger(folded, folded.rearrange(BY_8));
    }
    if (COUNT >= 8) {
      folded = larger(folded, folded.rearrange(BY_4));
    }
    folded = larger(folded, folded.rearrange(BY_2));
    folded = larger(folded, folded.rearrange(BY_1));
    return folded.lane(0);
  }

  /** The larger of each lane; one compare and one blend, where {@code max} sorts out NaN and -0. */
  static FloatVector larger(FloatVector a, FloatVector b) {
    return a.blend(b, a.lt(b));
  }
}
