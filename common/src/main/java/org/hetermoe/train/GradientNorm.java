package org.hetermoe.train;

import java.util.Iterator;
import org.hetermoe.group.Peer;
import org.hetermoe.plan.Placement;

/**
 * The global gradient norm from the squares of its parts: the attention side's, then every
 * expert's, layer by layer, added in this one order whatever the placement.
 */
final class GradientNorm {
  private final Placement placement;
  private final double attentionSquares;
  private final double[][] expertSquares;

  GradientNorm(GroupPlan plan, double attentionSquares) {
    this.placement = plan.placement();
    this.attentionSquares = attentionSquares;
    this.expertSquares = new double[placement.layers()][placement.experts()];
  }

  /** Adds a worker's experts, layer by layer, ascending. */
  void add(Peer worker, double[] squares) {
    Iterator<Double> next = java.util.Arrays.stream(squares).iterator();
    for (int layer = 0; layer < placement.layers(); layer++) {
      for (int expert : placement.expertsOf(layer, worker)) {
        expertSquares[layer][expert] = next.next();
      }
    }
  }

  double value() {
    double sum = attentionSquares;
    for (double[] layer : expertSquares) {
      for (double squares : layer) {
        sum += squares;
      }
    }
    return Math.sqrt(sum);
  }
}
