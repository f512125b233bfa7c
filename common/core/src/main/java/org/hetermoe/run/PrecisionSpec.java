package org.hetermoe.run;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.tensor.DType;

/**
 * The types that the sides of a group compute in: {@code precision: bf16} in a run file for both,
 * or one for each, since older devices do not know every type.
 *
 * @param attention weights and activations of the attention side
 * @param experts weights and activations of the experts, wherever they live
 */
public record PrecisionSpec(DType attention, DType experts) {
  /** Single precision on both sides. */
  public static final PrecisionSpec FP32 = new PrecisionSpec(DType.F32, DType.F32);

  public PrecisionSpec {
    check("attention", attention);
    check("experts", experts);
  }

  /** By the names of types in run files. */
  @JsonCreator
  static PrecisionSpec of(
      @JsonProperty("attention") String attention, @JsonProperty("experts") String experts) {
    return new PrecisionSpec(type("attention", attention), type("experts", experts));
  }

  /** For people: {@code bf16}, or {@code bf16, experts fp16}. */
  public String label() {
    return attention == experts
        ? attention.label()
        : attention.label() + ", experts " + experts.label();
  }

  private static DType type(String side, String label) {
    return DType.floatingOf(label)
        .orElseThrow(
            () ->
                new InvalidFieldException(
                    "precision." + side, "must be one of fp32, bf16, fp16, is '" + label + "'"));
  }

  private static void check(String side, DType type) {
    if (!type.floating()) {
      throw new InvalidFieldException(
          "precision." + side, "must be one of fp32, bf16, fp16, is " + type.label());
    }
  }
}
