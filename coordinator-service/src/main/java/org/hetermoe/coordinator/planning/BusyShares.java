package org.hetermoe.coordinator.planning;

import java.util.Map;
import java.util.TreeMap;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.WorkerCosts;

/** What each worker computes in a step. */
final class BusyShares {
  private BusyShares() {}

  /** Seconds that each worker computes in a step, the optimizer included. */
  static Map<WorkerRank, Double> seconds(GroupCosts costs, Placement placement) {
    Map<WorkerRank, Double> seconds = new TreeMap<>();
    for (int rank = 0; rank < costs.attention().size(); rank++) {
      seconds.put(
          WorkerRank.attention(rank), seconds(costs, placement, WorkerRank.attention(rank)));
    }
    for (int rank = 0; rank < costs.expert().size(); rank++) {
      seconds.put(WorkerRank.expert(rank), seconds(costs, placement, WorkerRank.expert(rank)));
    }
    return seconds;
  }

  private static double seconds(GroupCosts costs, Placement placement, WorkerRank peer) {
    WorkerCosts worker = costs.of(peer);
    int owned = 0;
    for (int layer = 0; layer < costs.layers(); layer++) {
      owned += placement.expertsOf(layer, peer).size();
    }
    return attentionSeconds(costs, worker)
        + expertSeconds(costs, placement, peer)
        + worker.optimizerSeconds()
        + owned * worker.expertOptimizerSeconds();
  }

  /** Seconds of a worker's attention side; 0 for an expert worker. */
  static double attentionSeconds(GroupCosts costs, WorkerCosts worker) {
    return costs.microBatches()
        * (costs.layers() * worker.attention().both()
            + worker.embedding().both()
            + worker.head().both());
  }

  /** Seconds of the experts that a worker owns. */
  static double expertSeconds(GroupCosts costs, Placement placement, WorkerRank peer) {
    WorkerCosts worker = costs.of(peer);
    double seconds = 0;
    for (int layer = 0; layer < costs.layers(); layer++) {
      for (int expert : placement.expertsOf(layer, peer)) {
        double rows = costs.rows(layer, expert);
        seconds += worker.experts().forward(rows) + worker.experts().backward(rows);
      }
    }
    return costs.microBatches() * seconds;
  }
}
