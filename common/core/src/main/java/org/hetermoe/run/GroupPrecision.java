package org.hetermoe.run;

import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.tensor.DType;

/**
 * In which element types a group computes and sends. The sides may differ, since older devices do
 * not know every type; so may the directions between them.
 *
 * <p>In a run frames carry fp16 where a side computes in fp16, else bf16 where a side does, else
 * fp32 ({@link #of}). Rows lose nothing by that which they would not lose where they are taken up
 * or were computed; only between fp16 and bf16 a value beyond the range of fp16 is lost on its way
 * already.
 *
 * @param attention weights and activations of the attention side
 * @param experts weights and activations of the experts, wherever they live
 * @param dispatch of frames from attention to experts: token rows, gradients of output rows
 * @param combine of frames from experts to attention: output rows, gradients of token rows
 */
public record GroupPrecision(DType attention, DType experts, DType dispatch, DType combine) {
  /** Single precision throughout. */
  public static final GroupPrecision FP32 =
      new GroupPrecision(DType.F32, DType.F32, DType.F32, DType.F32);

  public GroupPrecision {
    check("attention", attention);
    check("experts", experts);
    check("dispatch", dispatch);
    check("combine", combine);
  }

  /** The types of a run. */
  public static GroupPrecision of(PrecisionSpec spec) {
    DType frames = narrower(spec.attention(), spec.experts());
    return new GroupPrecision(spec.attention(), spec.experts(), frames, frames);
  }

  private static DType narrower(DType one, DType other) {
    if (one == DType.F16 || other == DType.F16) {
      return DType.F16;
    }
    return one == DType.BF16 || other == DType.BF16 ? DType.BF16 : DType.F32;
  }

  /** Whether gradients pass through fp16, whose range is too small for them as they are. */
  public boolean scalesLoss() {
    return attention == DType.F16
        || experts == DType.F16
        || dispatch == DType.F16
        || combine == DType.F16;
  }

  /** For people: {@code fp32}, or {@code attention bf16, experts fp16, frames fp16}. */
  public String label() {
    if (attention == experts && attention == dispatch && attention == combine) {
      return attention.label();
    }
    String frames =
        dispatch == combine ? dispatch.label() : dispatch.label() + " and " + combine.label();
    return "attention %s, experts %s, frames %s"
        .formatted(attention.label(), experts.label(), frames);
  }

  private static void check(String field, DType type) {
    if (type == DType.I32) {
      throw new InvalidFieldException(
          "precision." + field, "must be a floating-point type (F32, F16, BF16), is " + type);
    }
  }
}
