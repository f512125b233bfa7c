package org.hetermoe.plan.place;

import org.hetermoe.plan.GroupCosts;

/**
 * How many placements a search may look at: counts, not seconds, so that it finds the same on every
 * machine.
 *
 * @param quick by the quick clock
 * @param judged by the predictor
 */
public record Looks(int quick, int judged) {
  private static final double QUICK_EFFORT = 4e8;
  private static final double JUDGED_EFFORT = 1.5e7;

  /** So many for a group that a search takes about a second on one core, whatever its size. */
  public static Looks thorough(GroupCosts costs) {
    return of(costs, 1);
  }

  /** A share of the thorough search's looks. */
  public static Looks of(GroupCosts costs, double share) {
    double workers = costs.attention().size() + costs.expert().size();
    double tasks = 6.0 * costs.layers() * costs.microBatches();
    double messages = tasks * (workers + (double) costs.attention().size() * costs.expert().size());
    return new Looks(
        (int) Math.clamp(share * QUICK_EFFORT / (2 * tasks * workers), 40, 20_000),
        (int) Math.clamp(share * JUDGED_EFFORT / messages, 6, 2_000));
  }
}
