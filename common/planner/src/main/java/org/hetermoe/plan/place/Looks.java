package org.hetermoe.plan.place;

import org.hetermoe.plan.GroupCosts;

/**
 * How many placements a search may look at: counts, not seconds, so that it finds the same on every
 * machine.
 *
 * @param quick by the quick clock
 * @param judged by the predictor
 * @param moves whether to try single moves, which make each worker a case of its own
 */
record Looks(int quick, int judged, boolean moves) {
  private static final double QUICK_EFFORT = 4e8;
  private static final double JUDGED_EFFORT = 1.5e7;
  private static final double MOST_MESSAGES = 2e7;
  private static final int FEWEST_QUICK = 40;
  private static final int MOST_QUICK = 20_000;
  private static final int MOST_JUDGED = 2_000;

  /**
   * Looks for a group.
   *
   * @param share of those that take about a second on one core, whatever the size of the group
   */
  static Looks of(GroupCosts costs, double share) {
    double workers = costs.attention().size() + costs.expert().size();
    double tasks = 6.0 * costs.layers() * costs.microBatches();
    double messages = tasks * (workers + (double) costs.attention().size() * costs.expert().size());
    return new Looks(
        (int)
            Math.clamp(
                share * QUICK_EFFORT / (2 * tasks * workers),
                FEWEST_QUICK,
                FEWEST_QUICK + share * MOST_QUICK),
        (int) Math.clamp(share * JUDGED_EFFORT / messages, 1, 1 + share * MOST_JUDGED),
        messages <= MOST_MESSAGES);
  }
}
