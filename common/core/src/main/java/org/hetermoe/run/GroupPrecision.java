package org.hetermoe.run;

import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.tensor.DType;

/**
 * In which element types a group computes and sends. The sides may differ, since older devices do
 * not know every type; so may the directions between them.
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

  private static void check(String field, DType type) {
    if (type == DType.I32) {
      throw new InvalidFieldException(
          "precision." + field, "must be a floating-point type (F32, F16, BF16), is " + type);
    }
  }
}
