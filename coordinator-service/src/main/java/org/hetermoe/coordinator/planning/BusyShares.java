package org.hetermoe.coordinator.planning;

import java.util.Map;
import java.util.TreeMap;
import org.hetermoe.group.Peer;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Placement;
import org.hetermoe.plan.WorkerCosts;

/** What each worker computes in a step. */
final class BusyShares {
  private BusyShares() {}

  /** Seconds that each worker computes in a step, the optimizer included. */
  static Map<Peer, Double> seconds(GroupCosts costs, Placement placement) {
    Map<Peer, Double> seconds = new TreeMap<>();
    for (int rank = 0; rank < costs.attention().size(); rank++) {
      seconds.put(Peer.attention(rank), seconds(costs, placement, Peer.attention(rank)));
    }
    for (int rank = 0; rank < costs.expert().size(); rank++) {
      seconds.put(Peer.expert(rank), seconds(costs, placement, Peer.expert(rank)));
    }
    return seconds;
  }

  private static double seconds(GroupCosts costs, Placement placement, Peer peer) {
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
  static double expertSeconds(GroupCosts costs, Placement placement, Peer peer) {
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
