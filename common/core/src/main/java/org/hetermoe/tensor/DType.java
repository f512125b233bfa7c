package org.hetermoe.tensor;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.Optional;

/** Element types of tensors; those that are floating point are also what a run computes in. */
public enum DType {
  /** IEEE 754 single precision. */
  F32(4, "fp32", true),
  /** IEEE 754 half precision: five bits of exponent, so that gradients need loss scaling. */
  F16(2, "fp16", true),
  /** Brain floating point: the exponent of single precision, eight bits of significand. */
  BF16(2, "bf16", true),
  /** Two's complement 32-bit integer; token ids, expert ids, row numbers. */
  I32(4, "int32", false);

  private final int bytes;
  private final String label;
  private final boolean floating;

  DType(int bytes, String label, boolean floating) {
    this.bytes = bytes;
    this.label = label;
    this.floating = floating;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Whether it is a floating-point type. */
  public boolean floating() {
    return floating;
  }

  /** The name in files and options. */
  @JsonValue
  public String label() {
    return label;
  }

  /** The floating-point type of that name: {@code fp16}, {@code bf16} or {@code fp32}. */
  public static Optional<DType> floatingOf(String label) {
    return Arrays.stream(values())
        .filter(DType::floating)
        .filter(type -> type.label.equals(label))
        .findFirst();
  }
}
