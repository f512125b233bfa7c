package org.hetermoe.plan.place;

import org.hetermoe.plan.GroupCosts;

/**
 * How many placements a search may try: counts, not seconds, so that it finds the same on every
 * machine.
 *
 * @param estimates placements tried with the {@link StepEstimator}
 * @param predictions placements tried with the predictor
 * @param singleMoves whether to try moves of single experts, which make each worker a case of its
 *     own and so each prediction dear
 */
record SearchBudget(int estimates, int predictions, boolean singleMoves) {
  private static final double ESTIMATE_EFFORT = 4e8;
  private static final double PREDICTION_EFFORT = 1.5e7;
  private static final double MAX_MESSAGES = 2e7;
  private static final int MIN_ESTIMATES = 40;
  private static final int MAX_ESTIMATES = 20_000;
  private static final int MAX_PREDICTIONS = 2_000;

  /**
   * The budget for a group: about a second on one core, whatever the size of the group.
   *
   * @param effort part of that second, from 0 to 1
   */
  static SearchBudget of(GroupCosts costs, double effort) {
    double workers = costs.attention().size() + costs.expert().size();
    double tasks = 6.0 * costs.layers() * costs.microBatches();
    double messages = tasks * (workers + (double) costs.attention().size() * costs.expert().size());
    return new SearchBudget(
        (int)
            Math.clamp(
                effort * ESTIMATE_EFFORT / (2 * tasks * workers),
                MIN_ESTIMATES,
                MIN_ESTIMATES + effort * MAX_ESTIMATES),
        (int) Math.clamp(effort * PREDICTION_EFFORT / messages, 1, 1 + effort * MAX_PREDICTIONS),
        messages <= MAX_MESSAGES);
  }
}
