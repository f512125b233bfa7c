package org.hetermoe.train.expert;

import org.hetermoe.compute.Tensor;
import org.hetermoe.tensor.Shape;

/**
 * The gradients that one attention rank sent.
 *
 * @param d of the output rows of its tokens, [t,H]
 * @param weights routing weight of each assignment, [A]; as the gradients in the type of the frame
 */
public record GradientDelivery(Tensor d, Tensor weights) {
  /**
   * Of a vector of t*H gradients, then A weights.
   *
   * @param assignments A
   * @param hidden H
   */
  public static GradientDelivery of(Tensor vector, int assignments, int hidden) {
    int elements = Math.toIntExact(vector.shape().elements());
    int tokens = (elements - assignments) / hidden;
    return new GradientDelivery(
        vector.view(0, Shape.of(tokens, hidden)),
        vector.view((long) tokens * hidden, Shape.of(assignments)));
  }
}
