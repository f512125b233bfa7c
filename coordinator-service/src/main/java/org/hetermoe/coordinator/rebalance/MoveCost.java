package org.hetermoe.coordinator.rebalance;

import java.util.Map;
import java.util.TreeMap;
import org.hetermoe.coordinator.planning.GroupLinks;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.LinkCosts;

/** What it costs to bring experts, weights and both moments, from one placement to another. */
final class MoveCost {
  /** Weight and two moments. */
  private static final long PARAMETER_BYTES = 3L * Float.BYTES;

  private MoveCost() {}

  /** Number of experts that change their owner. */
  static int experts(Placement from, Placement to) {
    int moved = 0;
    for (int layer = 0; layer < from.layers(); layer++) {
      for (int expert = 0; expert < from.experts(); expert++) {
        moved += from.owner(layer, expert).equals(to.owner(layer, expert)) ? 0 : 1;
      }
    }
    return moved;
  }

  /**
   * Seconds until the worker with most to give or take is done.
   *
   * @param expertParameters of one expert
   * @param links from each owner to the next
   */
  static double seconds(Placement from, Placement to, long expertParameters, GroupLinks links) {
    Map<WorkerRank, Double> out = new TreeMap<>();
    Map<WorkerRank, Double> in = new TreeMap<>();
    double bytes = (double) expertParameters * PARAMETER_BYTES;
    for (int layer = 0; layer < from.layers(); layer++) {
      for (int expert = 0; expert < from.experts(); expert++) {
        WorkerRank giver = from.owner(layer, expert);
        WorkerRank taker = to.owner(layer, expert);
        if (!giver.equals(taker)) {
          LinkCosts link = links.between(giver, taker);
          double each = link.latencySeconds() + link.seconds(bytes);
          out.merge(giver, each, Double::sum);
          in.merge(taker, each, Double::sum);
        }
      }
    }
    double longest = 0;
    for (double seconds : out.values()) {
      longest = Math.max(longest, seconds);
    }
    for (double seconds : in.values()) {
      longest = Math.max(longest, seconds);
    }
    return longest;
  }
}
