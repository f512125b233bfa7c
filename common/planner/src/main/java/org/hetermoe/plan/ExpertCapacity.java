package org.hetermoe.plan;

import java.util.Arrays;

/**
 * How many experts, of all layers together, the memory of a worker holds whichever they are: if
 * loads differ, the hottest, since an expert keeps what its rows need for the backward pass.
 */
public final class ExpertCapacity {
  private final GroupCosts costs;
  private final long experts;

  /** Rows of a step of the hottest experts, by their number; empty where all have the same. */
  private final double[] rows;

  /** The capacities of a group's workers. */
  public ExpertCapacity(GroupCosts costs) {
    this.costs = costs;
    experts = (long) costs.layers() * costs.experts();
    rows = costs.loads().isBalanced() ? new double[0] : rowsOfHottest(costs);
  }

  private static double[] rowsOfHottest(GroupCosts costs) {
    double[] rising = new double[costs.layers() * costs.experts()];
    for (int layer = 0; layer < costs.layers(); layer++) {
      for (int expert = 0; expert < costs.experts(); expert++) {
        rising[layer * costs.experts() + expert] = costs.microBatches() * costs.rows(layer, expert);
      }
    }
    Arrays.sort(rising);
    double[] sums = new double[rising.length + 1];
    for (int count = 1; count < sums.length; count++) {
      sums[count] = sums[count - 1] + rising[rising.length - count];
    }
    return sums;
  }

  /** Experts that a worker holds; {@link Long#MAX_VALUE} if they take nothing. */
  public long of(WorkerCosts worker) {
    long free = worker.memoryBytes() - worker.residentBytes();
    long each = bytesOfMeanExpert(costs, worker);
    if (each <= 0) {
      return Long.MAX_VALUE;
    }
    if (rows.length == 0) {
      return Math.max(0, free / each);
    }
    long fits = 0;
    long fails = experts + 1;
    while (fails - fits > 1) {
      long middle = (fits + fails) / 2;
      if (bytesOfHottest(worker, middle) <= free) {
        fits = middle;
      } else {
        fails = middle;
      }
    }
    return fits;
  }

  private long bytesOfHottest(WorkerCosts worker, long count) {
    double kept = rows[Math.toIntExact(count)] * worker.expertRowBytes();
    // The bytes of each are rounded, by half a byte at most.
    return count * worker.expertBytes() + (kept > 0 ? (long) Math.ceil(kept + count / 2.0) : 0);
  }

  /** Bytes that an expert with its layer's mean rows takes. */
  public static long bytesOfMeanExpert(GroupCosts costs, WorkerCosts worker) {
    return worker.bytesOfExpert(
        (double) costs.microBatches() * costs.tokens() * costs.topK() / costs.experts());
  }

  /** Whether a worker holds all experts of all layers. */
  public boolean holdsAll(WorkerCosts worker) {
    return of(worker) >= experts;
  }
}
