package org.hetermoe.compute.host;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import org.hetermoe.tensor.DType;

/** Floating-point elements of any type, read and written as floats; rounds to nearest, even. */
public final class Conversion {
  private Conversion() {}

  /** Copies all elements of one tensor to another of as many, converted. */
  public static void convert(HostTensor source, HostTensor target) {
    MemorySegment from = source.segment();
    MemorySegment to = target.segment();
    long elements = source.shape().elements();
    for (long i = 0; i < elements; i++) {
      set(to, target.dtype(), i, get(from, source.dtype(), i));
    }
  }

  /** Sets every element. */
  public static void fill(HostTensor target, float value) {
    MemorySegment to = target.segment();
    long elements = target.shape().elements();
    for (long i = 0; i < elements; i++) {
      set(to, target.dtype(), i, value);
    }
  }

  /** Element {@code i}. */
  public static float get(MemorySegment from, DType dtype, long i) {
    return switch (dtype) {
      case F32 -> from.getAtIndex(JAVA_FLOAT, i);
      case F16 -> Float.float16ToFloat(from.getAtIndex(JAVA_SHORT, i));
      case BF16 -> Float.intBitsToFloat(from.getAtIndex(JAVA_SHORT, i) << Short.SIZE);
      case I32 -> throw new IllegalArgumentException("I32 is no floating-point type");
    };
  }

  /** Sets element {@code i}, rounded to its type. */
  public static void set(MemorySegment to, DType dtype, long i, float value) {
    switch (dtype) {
      case F32 -> to.setAtIndex(JAVA_FLOAT, i, value);
      case F16 -> to.setAtIndex(JAVA_SHORT, i, Float.floatToFloat16(value));
      case BF16 -> to.setAtIndex(JAVA_SHORT, i, bf16(value));
      case I32 -> throw new IllegalArgumentException("I32 is no floating-point type");
    }
  }

  /** Adds half of the last place that stays, less one where that place is even, and cuts off. */
  private static short bf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> Short.SIZE | 0x40);
    }
    int roundsUp = 0x7fff + (bits >>> Short.SIZE & 1);
    return (short) ((bits + roundsUp) >>> Short.SIZE);
  }
}
