package org.hetermoe.data;

/**
 * A shuffled order of {@code size} things that gives the thing at any position at once, without a
 * table: a Feistel network over the next larger power of four, walked until it lands inside. Its
 * round function is the finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom
 * Number Generators, 2014). The order follows from size and key alone, here and in any other
 * version of this class: runs that are resumed depend on it. Immutable.
 */
final class Permutation {
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;
  private static final int ROUNDS = 8;

  private final long size;
  private final int halfBits;
  private final long halfMask;
  private final long[] keys = new long[ROUNDS];

  /**
   * An order.
   *
   * @param size number of things, at least 1
   * @param key decides the order
   */
  Permutation(long size, long key) {
    if (size < 1) {
      throw new IllegalArgumentException("nothing to put in order: " + size);
    }
    this.size = size;
    int bits = Math.max(2, Long.SIZE - Long.numberOfLeadingZeros(size - 1));
    this.halfBits = (bits + 1) / 2;
    this.halfMask = (1L << halfBits) - 1;
    long state = key;
    for (int round = 0; round < ROUNDS; round++) {
      state += GOLDEN_GAMMA;
      keys[round] = mix(state);
    }
  }

  /** A key that follows from two numbers. */
  static long key(long seed, long stream) {
    return mix(mix(seed + GOLDEN_GAMMA) ^ (stream * GOLDEN_GAMMA));
  }

  /** The thing, from 0 to size, exclusive, at a position in the same range. */
  long at(long position) {
    if (position < 0 || position >= size) {
      throw new IndexOutOfBoundsException("position " + position + " of " + size);
    }
    long value = position;
    do {
      value = turn(value);
    } while (value >= size);
    return value;
  }

  private long turn(long value) {
    long left = value >>> halfBits;
    long right = value & halfMask;
    for (long key : keys) {
      long next = left ^ (mix(right + key) & halfMask);
      left = right;
      right = next;
    }
    return left << halfBits | right;
  }

  private static long mix(long value) {
    long z = value;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
