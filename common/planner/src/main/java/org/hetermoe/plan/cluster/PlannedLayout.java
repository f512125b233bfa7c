package org.hetermoe.plan.cluster;

import org.hetermoe.plan.place.PlannedPlacement;

/**
 * A layout with the placement of its groups' experts.
 *
 * @param layout how the cluster is cut
 * @param placed which worker of a group owns which expert
 * @param tokensPerSecond of the whole cluster
 * @param tokensPerCurrency tokens that one unit of currency buys; 0 without prices
 * @param use of a group's devices
 * @param limit what keeps it from being faster
 * @param why it won, or lost
 */
public record PlannedLayout(
    Layout layout,
    PlannedPlacement placed,
    double tokensPerSecond,
    double tokensPerCurrency,
    StepShares use,
    Bottleneck limit,
    String why) {
  PlannedLayout because(String reason) {
    return new PlannedLayout(
        layout, placed, tokensPerSecond, tokensPerCurrency, use, limit, reason);
  }
}
