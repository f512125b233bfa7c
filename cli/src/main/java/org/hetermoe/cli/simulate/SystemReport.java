package org.hetermoe.cli.simulate;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Map;
import org.hetermoe.simulate.SystemResult;

/**
 * What became of the training under one system, as JSON. Where it does not fit there is a reason
 * and nothing else.
 *
 * @param name of the system
 * @param tokensPerSecond of the whole cluster
 * @param stepSeconds of one step
 * @param microBatches per step
 * @param busy share of the step that devices of each kind compute
 * @param memoryBytes that the fullest device of each kind needs
 * @param boundFraction of what no placement could exceed; none where nothing is placed
 * @param expertsMoved per layer, experts on attention workers; none where roles are not split
 * @param replicas further owners of hot experts; none where each has one owner
 * @param reason why it does not fit
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record SystemReport(
    String name,
    Double tokensPerSecond,
    Double stepSeconds,
    Integer microBatches,
    Map<String, Double> busy,
    Map<String, Long> memoryBytes,
    Double boundFraction,
    List<Integer> expertsMoved,
    List<ReplicaReport> replicas,
    String reason) {
  static SystemReport of(SystemResult result) {
    String name = result.system().label();
    return switch (result) {
      case SystemResult.Trained trained ->
          new SystemReport(
              name,
              trained.tokensPerSecond(),
              trained.stepSeconds(),
              trained.microBatches(),
              trained.busy(),
              trained.memoryBytes(),
              trained.boundFraction() > 0 ? trained.boundFraction() : null,
              trained.expertsMoved().isEmpty() ? null : trained.expertsMoved(),
              trained.replicas().isEmpty() ? null : ReplicaReport.of(trained.replicas()),
              null);
      case SystemResult.Infeasible infeasible ->
          new SystemReport(
              name, null, null, null, null, null, null, null, null, infeasible.reason());
    };
  }
}
