package org.hetermoe.plan.fleet;

import org.hetermoe.cluster.Precision;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.PlannerKind;
import org.hetermoe.plan.StepSpec;

/**
 * What a cluster is to train.
 *
 * @param model its sizes
 * @param length of a sequence, tokens
 * @param globalBatch sequences of a step, over all groups
 * @param precision of computing and sending
 * @param checkpointing whether activations are computed again in the backward pass
 * @param planner who places the experts of a group
 */
public record FleetTask(
    ModelShape model,
    int length,
    int globalBatch,
    Precision precision,
    boolean checkpointing,
    PlannerKind planner) {
  public FleetTask {
    if (length < 1) {
      throw new InvalidFieldException("seq", "must be at least 1, is " + length);
    }
    if (globalBatch < 1) {
      throw new InvalidFieldException("global_batch", "must be at least 1, is " + globalBatch);
    }
  }

  /** Tokens of a step. */
  public double tokens() {
    return (double) globalBatch * length;
  }

  /** The step of one of the layout's groups. */
  StepSpec step(Layout layout) {
    return new StepSpec(
        model,
        length,
        layout.sequences(),
        layout.microBatches(),
        precision,
        checkpointing,
        layout.groups(),
        ExpertLoads.balanced(model.layers(), model.experts()));
  }
}
