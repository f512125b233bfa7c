package org.hetermoe.tensor;

/** Element types of tensors. */
public enum DType {
  /** IEEE 754 single precision. */
  F32(4),
  /** IEEE 754 half precision. */
  F16(2),
  /** Brain floating point: the upper half of an F32. */
  BF16(2),
  /** Two's complement 32-bit integer; token ids, expert ids, row numbers. */
  I32(4);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }
}
