package org.hetermoe.plan.cluster;

import java.util.List;

/**
 * How a cluster is best used, as far as the search looked.
 *
 * @param layouts the best few, best first; each says why it won or lost
 * @param boundTokensPerSecond what no use of all devices could exceed: all work over their rates
 * @param considered layouts
 * @param tooLittleMemory of them, those that do not fit
 * @param pruned of them, those whose bound is below the best
 * @param notLookedAt of them, those that promised less than the ones looked at
 */
public record ClusterPlan(
    List<PlannedLayout> layouts,
    double boundTokensPerSecond,
    int considered,
    int tooLittleMemory,
    int pruned,
    int notLookedAt) {
  public ClusterPlan {
    layouts = List.copyOf(layouts);
  }

  /** The best. */
  public PlannedLayout best() {
    return layouts.getFirst();
  }

  /** The best layout's share of what no use of the cluster could exceed. */
  public double boundFraction() {
    return best().tokensPerSecond() / boundTokensPerSecond;
  }
}
