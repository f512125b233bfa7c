package org.hetermoe.device;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;
import org.hetermoe.model.InvalidFieldException;

/** What a run computes and sends in. */
public enum Precision {
  /** Half precision with loss scaling, 32-bit master weights. */
  FP16(2),
  /** Brain floating point, 32-bit master weights. */
  BF16(2),
  /** Single precision throughout. */
  FP32(4);

  private final int bytes;

  Precision(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of a number on the way and in activations. */
  public int bytes() {
    return bytes;
  }

  /**
   * Bytes of a parameter with its gradient, apart from what the optimizer holds: both in this
   * precision.
   */
  public int parameterBytes() {
    return 2 * bytes;
  }

  /** Bytes that AdamW holds for a parameter: two moments, and a master copy in half precision. */
  public int optimizerBytes() {
    return this == FP32 ? 8 : 12;
  }

  /** The name in files and options. */
  @JsonValue
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The precision with that name. */
  @JsonCreator
  public static Precision of(String label) {
    for (Precision precision : values()) {
      if (precision.label().equals(label)) {
        return precision;
      }
    }
    throw new InvalidFieldException("precision", "must be fp16, bf16 or fp32, is '" + label + "'");
  }
}
