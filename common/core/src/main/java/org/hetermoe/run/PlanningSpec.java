package org.hetermoe.run;

import org.hetermoe.model.InvalidFieldException;

/**
 * How experts come to their workers, before the run and while it runs.
 *
 * @param planner who decides; a run with {@code workers.expert_counts} has decided itself
 * @param asymEa whether attention workers may own experts (asymmetric expert assignment)
 * @param rebalance whether the coordinator may move experts while the run runs
 * @param rebalanceThreshold the share of the step time that a move must promise to save
 * @param rebalanceEvery steps between looks at the loads
 */
public record PlanningSpec(
    PlannerKind planner,
    boolean asymEa,
    boolean rebalance,
    double rebalanceThreshold,
    int rebalanceEvery) {
  public PlanningSpec {
    if (!(rebalanceThreshold > 0 && rebalanceThreshold < 1)) {
      throw new InvalidFieldException(
          "planning.rebalance_threshold", "must lie between 0 and 1, is " + rebalanceThreshold);
    }
    if (rebalanceEvery < 1) {
      throw new InvalidFieldException(
          "planning.rebalance_every", "must be at least 1, is " + rebalanceEvery);
    }
  }
}
