package org.hetermoe.plan.place;

import java.util.ArrayList;
import java.util.List;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Passes;
import org.hetermoe.plan.WorkerCosts;

/**
 * A lower bound on a group's step under any placement of its experts: all work of a step over the
 * rates of its workers, as if it were divisible and nobody ever waited. Attention stays where its
 * tokens are. The work of experts has two kinds, what each expert costs and what each row costs; a
 * worker may take any share of either.
 */
public final class WorkBound {
  private WorkBound() {}

  /** Seconds of a step. */
  public static double of(GroupCosts costs) {
    List<DivisibleWork.Machine> machines = new ArrayList<>();
    for (WorkerCosts worker : costs.attention()) {
      machines.add(machine(costs, worker));
    }
    for (WorkerCosts worker : costs.expert()) {
      machines.add(machine(costs, worker));
    }
    double meanRows = (double) costs.tokens() * costs.topK() / costs.experts();
    double experts = 0;
    double rows = 0;
    for (int layer = 0; layer < costs.layers(); layer++) {
      for (int expert = 0; expert < costs.experts(); expert++) {
        double own = meanRows * costs.loads().of(layer, expert);
        experts += own > 0 ? 1 : 0;
        rows += own;
      }
    }
    return new DivisibleWork(machines).leastSeconds(experts, rows * costs.microBatches());
  }

  private static DivisibleWork.Machine machine(GroupCosts costs, WorkerCosts worker) {
    Passes perLayer = worker.attention();
    double microBatch =
        costs.layers() * perLayer.both() + worker.embedding().both() + worker.head().both();
    double tasks =
        (perLayer.both() > 0 ? 2 * costs.layers() : 0) + (worker.head().both() > 0 ? 2 : 0);
    return new DivisibleWork.Machine(
        costs.microBatches() * (microBatch + tasks * worker.taskSeconds())
            + worker.optimizerSeconds(),
        costs.microBatches() * worker.experts().fixed().both() + worker.expertOptimizerSeconds(),
        worker.experts().perRow().both(),
        1);
  }
}
