package org.hetermoe.train.step;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;

/** What the owners report of their experts in a step, put together whatever the placement. */
public final class ExpertTotals {
  private final Placement placement;
  private final double[][] squares;
  private final long[][] rows;

  /** Of nothing yet. */
  public ExpertTotals(Placement placement) {
    this.placement = placement;
    squares = new double[placement.layers()][placement.experts()];
    rows = new long[placement.layers()][placement.experts()];
  }

  /**
   * Adds a worker's experts.
   *
   * @param expertSquares squared gradient norms, layer by layer, ascending
   * @param expertRows rows computed, in the same order
   */
  public void add(WorkerRank worker, double[] expertSquares, long[] expertRows) {
    int next = 0;
    for (int layer = 0; layer < placement.layers(); layer++) {
      for (int expert : placement.expertsOf(layer, worker)) {
        squares[layer][expert] = expertSquares[next];
        rows[layer][expert] = expertRows[next++];
      }
    }
  }

  /**
   * The global gradient norm: the attention side's squares, then every expert's, layer by layer,
   * added in this one order.
   */
  public double gradientNorm(double attentionSquares) {
    double sum = attentionSquares;
    for (double[] layer : squares) {
      for (double expert : layer) {
        sum += expert;
      }
    }
    return Math.sqrt(sum);
  }

  /** Rows per layer, per expert. */
  public List<List<Long>> rows() {
    List<List<Long>> table = new ArrayList<>();
    for (long[] layer : rows) {
      table.add(Arrays.stream(layer).boxed().toList());
    }
    return table;
  }
}
