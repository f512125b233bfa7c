package org.hetermoe.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Conversions of little-endian elements, from a file's type to the type in memory. */
final class Elements {
  /** A cache line, so that vector loads never straddle two at the start of a tensor. */
  static final int ALIGNMENT = 64;

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Elements() {}

  static void copy(MemorySegment source, MemorySegment target) {
    MemorySegment.copy(source, 0, target, 0, source.byteSize());
  }

  static void widenBrain(MemorySegment source, MemorySegment target) {
    long elements = source.byteSize() / Short.BYTES;
    for (long i = 0; i < elements; i++) {
      target.set(INT, i * Integer.BYTES, source.get(SHORT, i * Short.BYTES) << Short.SIZE);
    }
  }

  static void widenHalf(MemorySegment source, MemorySegment target) {
    long elements = source.byteSize() / Short.BYTES;
    for (long i = 0; i < elements; i++) {
      target.set(FLOAT, i * Float.BYTES, Float.float16ToFloat(source.get(SHORT, i * Short.BYTES)));
    }
  }

  /** Returns the first finite element that F32 cannot hold, or -1. */
  static long narrowDouble(MemorySegment source, MemorySegment target) {
    long elements = source.byteSize() / Double.BYTES;
    for (long i = 0; i < elements; i++) {
      double value = source.get(DOUBLE, i * Double.BYTES);
      float narrowed = (float) value;
      if (Float.isInfinite(narrowed) && Double.isFinite(value)) {
        return i;
      }
      target.set(FLOAT, i * Float.BYTES, narrowed);
    }
    return -1;
  }

  /** Returns the first element that I32 cannot hold, or -1. */
  static long narrowLong(MemorySegment source, MemorySegment target) {
    long elements = source.byteSize() / Long.BYTES;
    for (long i = 0; i < elements; i++) {
      long value = source.get(LONG, i * Long.BYTES);
      if (value != (int) value) {
        return i;
      }
      target.set(INT, i * Integer.BYTES, (int) value);
    }
    return -1;
  }
}
