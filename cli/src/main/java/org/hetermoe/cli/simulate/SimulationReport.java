package org.hetermoe.cli.simulate;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Map;
import org.hetermoe.cluster.ClusterSpec;
import org.hetermoe.model.ModelShape;
import org.hetermoe.run.Recompute;
import org.hetermoe.tensor.DType;

/**
 * What the simulate command prints as JSON.
 *
 * @param inputs as they were resolved
 * @param systems one for each system that was asked for
 */
record SimulationReport(Inputs inputs, List<SystemReport> systems) {
  /**
   * What was simulated.
   *
   * @param cluster its devices and network
   * @param model its sizes
   * @param seq tokens of a sequence
   * @param precision of computing and sending
   * @param recompute which activations are computed again
   * @param globalBatch sequences of a step
   * @param attention devices that attend where roles are split, by kind
   * @param expert devices that compute experts where roles are split, by kind
   * @param planner who places experts
   * @param imbalance of the experts' loads, as it was given; none where they are balanced
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Inputs(
      ClusterSpec cluster,
      ModelShape model,
      int seq,
      DType precision,
      Recompute recompute,
      int globalBatch,
      Map<String, Integer> attention,
      Map<String, Integer> expert,
      String planner,
      String imbalance) {}
}
