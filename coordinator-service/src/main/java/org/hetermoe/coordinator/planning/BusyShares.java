package org.hetermoe.coordinator.planning;

import java.util.Map;
import java.util.TreeMap;
import org.hetermoe.group.Peer;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Placement;
import org.hetermoe.plan.WorkerCosts;

/** Which share of a step each worker computes: its work over the step's length. */
final class BusyShares {
  private BusyShares() {}

  /** Seconds that each worker computes in a step. */
  static Map<Peer, Double> seconds(GroupCosts costs, Placement placement) {
    Map<Peer, Double> seconds = new TreeMap<>();
    for (int rank = 0; rank < costs.attention().size(); rank++) {
      WorkerCosts worker = costs.attention().get(rank);
      double microBatch =
          costs.layers() * worker.attention().both()
              + worker.embedding().both()
              + worker.head().both();
      seconds.put(
          Peer.attention(rank), costs.microBatches() * microBatch + worker.optimizerSeconds());
    }
    for (int rank = 0; rank < costs.expert().size(); rank++) {
      seconds.put(Peer.expert(rank), costs.expert().get(rank).optimizerSeconds());
    }
    for (int layer = 0; layer < costs.layers(); layer++) {
      for (int expert = 0; expert < costs.experts(); expert++) {
        Peer owner = placement.owner(layer, expert);
        WorkerCosts worker = costs.of(owner);
        double rows = costs.rows(layer, expert);
        seconds.merge(
            owner,
            costs.microBatches()
                    * (worker.experts().forward(rows) + worker.experts().backward(rows))
                + worker.expertOptimizerSeconds(),
            Double::sum);
      }
    }
    return seconds;
  }
}
