package org.hetermoe.plan.cluster;

import java.util.Collections;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.StepSpec;
import org.hetermoe.plan.Training;
import org.hetermoe.run.PlannerKind;

/**
 * What a cluster is to train.
 *
 * @param model its sizes
 * @param length of a sequence, tokens
 * @param globalBatch sequences of a step, over all groups
 * @param fitted whether a layout may take fewer sequences, as its memory and its workers want; if
 *     not, it takes exactly that many
 * @param training what training does
 * @param planner who places the experts of a group
 * @param loads of the experts
 * @param replicas whether hot experts may have several owners, which no service can run yet
 */
public record TrainingJob(
    ModelShape model,
    int length,
    int globalBatch,
    boolean fitted,
    Training training,
    PlannerKind planner,
    ExpertLoads loads,
    boolean replicas) {
  public TrainingJob {
    if (length < 1) {
      throw new InvalidFieldException("seq", "must be at least 1, is " + length);
    }
    if (globalBatch < 1) {
      throw new InvalidFieldException("global_batch", "must be at least 1, is " + globalBatch);
    }
  }

  /** Tokens of a layout's step. */
  double tokens(Layout layout) {
    return (double) layout.globalBatch() * length;
  }

  /** Load of the hottest expert, relative to the mean. */
  double hottest() {
    return loads.relative().stream().mapToDouble(Collections::max).max().orElse(1);
  }

  /** The step of one of the layout's groups. */
  StepSpec step(Layout layout) {
    return StepSpec.alike(
        model, length, layout.sequences(), layout.microBatches(), training, layout.groups(), loads);
  }
}
