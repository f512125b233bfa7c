package org.hetermoe.device;

import org.hetermoe.model.ModelShape;

/** Floating-point operations of the forward pass of a model's parts. */
public final class LayerWork {
  private LayerWork() {}

  /** One layer's attention side but for the attention itself: projections, gate, shared experts. */
  public static double projections(ModelShape model, long tokens) {
    double queryWidth = (double) model.heads() * model.headDim();
    double kvWidth = (double) model.kvHeads() * model.headDim();
    double columns = 2 * queryWidth + 2 * kvWidth + model.experts() + 3.0 * model.sharedWidth();
    return 2.0 * tokens * model.hidden() * columns;
  }

  /** The causal attention of one layer: scores and weighted sums, half of the square each. */
  public static double attention(ModelShape model, long sequences, long length) {
    return 2.0 * sequences * length * length * model.heads() * model.headDim();
  }

  /** One routed expert with so many rows. */
  public static double expert(ModelShape model, double rows) {
    return 6.0 * rows * model.hidden() * model.expertWidth();
  }

  /** The head of so many tokens. */
  public static double head(ModelShape model, long tokens) {
    return 2.0 * tokens * model.hidden() * model.vocabulary();
  }
}
