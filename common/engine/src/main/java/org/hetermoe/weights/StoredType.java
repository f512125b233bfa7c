package org.hetermoe.weights;

/** Element types that a safetensors file may declare; only some of them can be read. */
public enum StoredType {
  /** One byte, 0 or 1. */
  BOOL(1),
  /** Unsigned 8-bit integer. */
  U8(1),
  /** Signed 8-bit integer. */
  I8(1),
  /** 8-bit floating point, 5 bits of exponent. */
  F8_E5M2(1),
  /** 8-bit floating point, 4 bits of exponent. */
  F8_E4M3(1),
  /** Signed 16-bit integer. */
  I16(2),
  /** Unsigned 16-bit integer. */
  U16(2),
  /** IEEE 754 half precision; readable as F32. */
  F16(2),
  /** The upper half of an F32; readable as F32. */
  BF16(2),
  /** Signed 32-bit integer; readable as I32. */
  I32(4),
  /** Unsigned 32-bit integer. */
  U32(4),
  /** IEEE 754 single precision; readable as F32. */
  F32(4),
  /** IEEE 754 double precision; readable as F32, rounded. */
  F64(8),
  /** Signed 64-bit integer; readable as I32 where all elements fit. */
  I64(8),
  /** Unsigned 64-bit integer. */
  U64(8);

  private final int bytes;

  StoredType(int bytes) {
    this.bytes = bytes;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  static StoredType named(String name) {
    for (StoredType type : values()) {
      if (type.name().equals(name)) {
        return type;
      }
    }
    return null;
  }
}
