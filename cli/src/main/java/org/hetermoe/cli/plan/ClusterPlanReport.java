package org.hetermoe.cli.plan;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.hetermoe.cli.simulate.ReplicaReport;
import org.hetermoe.group.Placement;
import org.hetermoe.plan.cluster.Bottleneck;
import org.hetermoe.plan.cluster.ClusterPlan;
import org.hetermoe.plan.cluster.DevicePool;
import org.hetermoe.plan.cluster.PlannedLayout;

/**
 * What the plan command prints as JSON.
 *
 * @param model its name
 * @param sequenceLength tokens
 * @param globalBatch sequences; the most where they were fitted to layouts
 * @param precision types that are computed in
 * @param recompute which activations are computed again
 * @param planner who placed the experts
 * @param boundTokensPerSecond what no use of the cluster could exceed
 * @param boundFraction of it that the best layout reaches
 * @param considered layouts
 * @param tooLittleMemory of them
 * @param pruned of them, for their bound
 * @param notLookedAt of them, for their estimate
 * @param planningSeconds that the search took
 * @param layouts the best few, best first
 */
record ClusterPlanReport(
    String model,
    int sequenceLength,
    int globalBatch,
    String precision,
    String recompute,
    String planner,
    double boundTokensPerSecond,
    double boundFraction,
    int considered,
    int tooLittleMemory,
    int pruned,
    int notLookedAt,
    double planningSeconds,
    List<Row> layouts) {
  /**
   * A layout.
   *
   * @param groups ZP groups side by side
   * @param attention attention workers of a group, by kind
   * @param expert expert workers of a group, by kind
   * @param microBatches per step (R)
   * @param sequences of a micro-batch
   * @param globalBatch sequences of a step, over all groups
   * @param devices that it uses
   * @param tokensPerSecond of the cluster
   * @param tokensPerCurrency tokens that a unit of currency buys; 0 without prices
   * @param stepSeconds predicted
   * @param boundFraction of what no placement in these groups could exceed
   * @param attentionBusy share of the step that attention workers compute
   * @param expertBusy share of the step that expert workers compute
   * @param networkBusy share of the step that the busiest network card sends
   * @param limit what keeps it from being faster
   * @param expertsMoved per layer, experts that attention workers own
   * @param leftOut devices without work
   * @param why it won or lost
   * @param placement owners of the experts; of the best only
   * @param replicas further owners of hot experts; of the best only
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Row(
      int groups,
      Map<String, Integer> attention,
      Map<String, Integer> expert,
      int microBatches,
      int sequences,
      int globalBatch,
      int devices,
      double tokensPerSecond,
      double tokensPerCurrency,
      double stepSeconds,
      double boundFraction,
      double attentionBusy,
      double expertBusy,
      double networkBusy,
      Bottleneck limit,
      List<Integer> expertsMoved,
      String leftOut,
      String why,
      Placement placement,
      List<ReplicaReport> replicas) {}

  static ClusterPlanReport of(
      DevicePool pool, PlanCommand.Request request, ClusterPlan plan, double seconds) {
    return new ClusterPlanReport(
        request.task().model().name(),
        request.task().length(),
        request.task().globalBatch(),
        request.task().training().precision().label(),
        request.task().training().recompute().label(),
        request.task().planner().label(),
        plan.boundTokensPerSecond(),
        plan.boundFraction(),
        plan.considered(),
        plan.tooLittleMemory(),
        plan.pruned(),
        plan.notLookedAt(),
        seconds,
        plan.layouts().stream().map(one -> row(pool, one, one.equals(plan.best()))).toList());
  }

  private static Row row(DevicePool pool, PlannedLayout one, boolean best) {
    return new Row(
        one.layout().groups(),
        byKind(pool, one.layout().attention()),
        byKind(pool, one.layout().expert()),
        one.layout().microBatches(),
        one.layout().sequences(),
        one.layout().globalBatch(),
        one.layout().devices(),
        one.tokensPerSecond(),
        one.tokensPerCurrency(),
        one.placed().stepSeconds(),
        one.placed().boundFraction(),
        one.use().attention(),
        one.use().experts(),
        one.use().network(),
        one.limit(),
        one.placed().movedPerLayer(),
        one.layout().leftOut(pool),
        one.why(),
        best ? one.placed().placement() : null,
        best ? ReplicaReport.of(one.placed().replicas()) : null);
  }

  private static Map<String, Integer> byKind(DevicePool pool, List<Integer> counts) {
    Map<String, Integer> named = new TreeMap<>();
    for (int kind = 0; kind < counts.size(); kind++) {
      if (counts.get(kind) > 0) {
        named.put(pool.kinds().get(kind).name(), counts.get(kind));
      }
    }
    return named;
  }
}
