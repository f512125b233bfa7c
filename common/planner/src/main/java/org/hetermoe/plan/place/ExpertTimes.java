package org.hetermoe.plan.place;

import org.hetermoe.plan.ExpertCosts;
import org.hetermoe.plan.GroupCosts;

/** Rows of each expert in one micro-batch, and how long they take on each worker. */
final class ExpertTimes {
  private final double[][] rows;
  private final double[] fixed;
  private final double[] perRow;

  ExpertTimes(GroupCosts costs, WorkerIndex workers) {
    double meanRows = (double) costs.tokens() * costs.topK() / costs.experts();
    rows = new double[costs.layers()][costs.experts()];
    for (int layer = 0; layer < costs.layers(); layer++) {
      for (int expert = 0; expert < costs.experts(); expert++) {
        rows[layer][expert] = meanRows * costs.loads().of(layer, expert);
      }
    }
    fixed = new double[workers.size()];
    perRow = new double[workers.size()];
    for (int worker = 0; worker < fixed.length; worker++) {
      ExpertCosts own = workers.costs(worker).experts();
      fixed[worker] = own.fixed().both();
      perRow[worker] = own.perRow().both();
    }
  }

  /** Rows of an expert. */
  double rows(int layer, int expert) {
    return rows[layer][expert];
  }

  /** Seconds of an expert's forward and backward pass on a worker; 0 if it has no rows. */
  double seconds(int worker, int layer, int expert) {
    double own = rows[layer][expert];
    return own > 0 ? fixed[worker] + own * perRow[worker] : 0;
  }
}
