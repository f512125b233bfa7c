package org.hetermoe.train.step;

import java.util.List;
import java.util.Optional;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.LossScale;
import org.hetermoe.run.WorkerLoad;

/**
 * The numbers of one step.
 *
 * @param loss cross entropy plus weighted router losses
 * @param crossEntropy mean over predicted tokens, nats
 * @param balanceLoss mean over tokens, unweighted
 * @param zLoss mean over tokens, unweighted
 * @param gradientNorm global, before clipping, without the scale of the loss; not finite if the
 *     step was skipped
 * @param lossScale how the loss was scaled; empty where it was not
 * @param workers what each worker did with the step; empty where there are none
 * @param expertRows per layer, per expert, the rows that it computed
 */
public record StepResult(
    double loss,
    double crossEntropy,
    double balanceLoss,
    double zLoss,
    double gradientNorm,
    Optional<LossScale> lossScale,
    List<WorkerLoad> workers,
    List<List<Long>> expertRows) {
  public StepResult {
    workers = List.copyOf(workers);
    expertRows = List.copyOf(expertRows);
  }

  /** Share of the step that the workers of a role computed, mean over them; 0 without workers. */
  public double busy(WorkerRank.Role role) {
    return workers.stream()
        .filter(load -> load.peer().role() == role)
        .mapToDouble(WorkerLoad::busy)
        .average()
        .orElse(0);
  }
}
