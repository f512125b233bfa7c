package org.hetermoe.train.attention;

import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.nn.Routing;
import org.hetermoe.nn.Routing.Share;
import org.hetermoe.tensor.Shape;

/** Picks what an owner of experts gets of a micro-batch's rows: one gather for each owner. */
public final class TokenPacking {
  private final Compute compute;
  private final int hidden;

  /** Packs rows of {@code hidden} columns. */
  public TokenPacking(Compute compute, int hidden) {
    this.compute = compute;
    this.hidden = hidden;
  }

  /** Extents of the token rows of a share: [t,H]. */
  public Shape tokenRows(Share share) {
    return Shape.of(share.tokens().length, hidden);
  }

  /** Picks the token rows of a share. */
  public void packTokens(Tensor tokens, Share share, Tensor rows) {
    gather(tokens, share.tokens(), rows);
  }

  /** Extents of the gradients of a share: t*H gradients of output rows, then A routing weights. */
  public Shape gradients(Share share) {
    return Shape.of(share.tokens().length * hidden + share.assignments());
  }

  /**
   * Picks the gradients of a share.
   *
   * @param d gradients of the layer's output rows, [T,H]
   * @param weights [T,K]
   * @param vector out, of the extents of {@link #gradients}
   */
  public void packGradients(Tensor d, Tensor weights, Routing routing, Share share, Tensor vector) {
    Shape rows = tokenRows(share);
    gather(d, share.tokens(), vector.view(0, rows));
    Tensor column = weights.view(0, Shape.of(routing.tokens() * routing.topK(), 1));
    Tensor packed = vector.view(rows.elements(), Shape.of(share.assignments(), 1));
    gather(column, share.slots(), packed);
  }

  private void gather(Tensor x, int[] rows, Tensor y) {
    try (Workspace w = new Workspace(compute)) {
      compute.gatherRows(x, w.ints(rows, rows.length), null, y);
    }
  }
}
