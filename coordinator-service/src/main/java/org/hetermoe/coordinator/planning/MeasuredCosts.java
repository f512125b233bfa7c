package org.hetermoe.coordinator.planning;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.ExpertCosts;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Passes;
import org.hetermoe.plan.WorkerCosts;

/**
 * Costs set right by what workers were measured to take: a worker that takes half as long again as
 * its profile says is planned with half as long again.
 */
public final class MeasuredCosts {
  private static final double LEAST = 0.1;
  private static final double MOST = 10;

  private MeasuredCosts() {}

  /**
   * What a worker spent in a step, waiting left out.
   *
   * @param attentionSeconds on the attention side
   * @param expertSeconds on experts
   */
  public record Spent(double attentionSeconds, double expertSeconds) {}

  /**
   * Corrects costs.
   *
   * @param costs to set right
   * @param expected costs of the steps that were measured, by the profiles
   * @param placement of those steps
   * @param spent mean of those steps, by worker
   */
  static GroupCosts corrected(
      GroupCosts costs, GroupCosts expected, Placement placement, Map<WorkerRank, Spent> spent) {
    List<WorkerCosts> attention = new ArrayList<>();
    for (int rank = 0; rank < costs.attention().size(); rank++) {
      attention.add(corrected(WorkerRank.attention(rank), costs, expected, placement, spent));
    }
    List<WorkerCosts> experts = new ArrayList<>();
    for (int rank = 0; rank < costs.expert().size(); rank++) {
      experts.add(corrected(WorkerRank.expert(rank), costs, expected, placement, spent));
    }
    return costs.withWorkers(attention, experts);
  }

  private static WorkerCosts corrected(
      WorkerRank peer,
      GroupCosts costs,
      GroupCosts expected,
      Placement placement,
      Map<WorkerRank, Spent> spent) {
    WorkerCosts worker = costs.of(peer);
    Spent measured = spent.get(peer);
    if (measured == null) {
      return worker;
    }
    double attention =
        factor(measured.attentionSeconds, BusyShares.attentionSeconds(expected, expected.of(peer)));
    double experts =
        factor(measured.expertSeconds, BusyShares.expertSeconds(expected, placement, peer));
    return worker.withSeconds(
        times(worker.attention(), attention),
        times(worker.embedding(), attention),
        times(worker.head(), attention),
        new ExpertCosts(
            times(worker.experts().fixed(), experts), times(worker.experts().perRow(), experts)));
  }

  /** 1 where nothing was measured or expected. */
  private static double factor(double measured, double expected) {
    return measured > 0 && expected > 0 ? Math.clamp(measured / expected, LEAST, MOST) : 1;
  }

  private static Passes times(Passes passes, double factor) {
    return new Passes(factor * passes.forward(), factor * passes.backward());
  }
}
