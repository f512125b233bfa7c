package org.hetermoe.simulate;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.hetermoe.plan.Replica;

/** What became of a scenario under one system. */
public sealed interface SystemResult {
  /** The system. */
  SystemKind system();

  /**
   * It runs.
   *
   * @param tokensPerSecond of the whole cluster
   * @param stepSeconds of one step; the longest where parts of the cluster train alone
   * @param microBatches per step
   * @param expertsMoved per layer, experts that attention workers own
   * @param boundFraction of the best that any assignment could do; 0 where that does not apply
   * @param replicas further owners of hot experts
   * @param timelines the step; one for each part of the cluster that trains alone
   */
  record Trained(
      SystemKind system,
      double tokensPerSecond,
      double stepSeconds,
      int microBatches,
      List<Integer> expertsMoved,
      double boundFraction,
      List<Replica> replicas,
      List<StepTimeline> timelines)
      implements SystemResult {
    /** Without replicas. */
    Trained(
        SystemKind system,
        double tokensPerSecond,
        double stepSeconds,
        int microBatches,
        List<Integer> expertsMoved,
        double boundFraction,
        List<StepTimeline> timelines) {
      this(
          system,
          tokensPerSecond,
          stepSeconds,
          microBatches,
          expertsMoved,
          boundFraction,
          List.of(),
          timelines);
    }

    /** Share of the step that the devices of each kind compute. */
    public Map<String, Double> busy() {
      Map<String, Double> sums = new LinkedHashMap<>();
      Map<String, Integer> counts = new LinkedHashMap<>();
      for (StepTimeline timeline : timelines) {
        for (int row = 0; row < timeline.rows().size(); row++) {
          StepTimeline.Row device = timeline.rows().get(row);
          sums.merge(
              device.device(), device.count() * timeline.utilization(row).busy(), Double::sum);
          counts.merge(device.device(), device.count(), Integer::sum);
        }
      }
      sums.replaceAll((kind, sum) -> sum / counts.get(kind));
      return sums;
    }

    /** The most memory that a device of each kind needs. */
    public Map<String, Long> memoryBytes() {
      Map<String, Long> most = new LinkedHashMap<>();
      for (StepTimeline timeline : timelines) {
        timeline.rows().forEach(row -> most.merge(row.device(), row.memoryBytes(), Math::max));
      }
      return most;
    }
  }

  /**
   * It cannot.
   *
   * @param reason why
   */
  record Infeasible(SystemKind system, String reason) implements SystemResult {}
}
