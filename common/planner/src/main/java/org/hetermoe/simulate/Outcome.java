package org.hetermoe.simulate;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.hetermoe.plan.Replica;

/** What became of a scenario under one system. */
public sealed interface Outcome {
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
   * @param simulations the step; one for each part of the cluster that trains alone
   */
  record Trained(
      SystemKind system,
      double tokensPerSecond,
      double stepSeconds,
      int microBatches,
      List<Integer> expertsMoved,
      double boundFraction,
      List<Replica> replicas,
      List<Simulation> simulations)
      implements Outcome {
    /** Without replicas. */
    Trained(
        SystemKind system,
        double tokensPerSecond,
        double stepSeconds,
        int microBatches,
        List<Integer> expertsMoved,
        double boundFraction,
        List<Simulation> simulations) {
      this(
          system,
          tokensPerSecond,
          stepSeconds,
          microBatches,
          expertsMoved,
          boundFraction,
          List.of(),
          simulations);
    }

    /** Share of the step that the devices of each kind compute. */
    public Map<String, Double> busy() {
      Map<String, Double> sums = new LinkedHashMap<>();
      Map<String, Integer> counts = new LinkedHashMap<>();
      for (Simulation simulation : simulations) {
        for (int row = 0; row < simulation.rows().size(); row++) {
          Simulation.Row device = simulation.rows().get(row);
          sums.merge(device.device(), device.count() * simulation.use(row).busy(), Double::sum);
          counts.merge(device.device(), device.count(), Integer::sum);
        }
      }
      sums.replaceAll((kind, sum) -> sum / counts.get(kind));
      return sums;
    }

    /** The most memory that a device of each kind needs. */
    public Map<String, Long> memoryBytes() {
      Map<String, Long> most = new LinkedHashMap<>();
      for (Simulation simulation : simulations) {
        simulation.rows().forEach(row -> most.merge(row.device(), row.memoryBytes(), Math::max));
      }
      return most;
    }
  }

  /**
   * It cannot.
   *
   * @param reason why
   */
  record Impossible(SystemKind system, String reason) implements Outcome {}
}
