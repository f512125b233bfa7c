package org.hetermoe.plan;

import org.hetermoe.device.Precision;
import org.hetermoe.model.ModelShape;

/**
 * What a ZP group trains in one step.
 *
 * @param model its sizes
 * @param length of a sequence, tokens
 * @param sequences of one micro-batch, over all attention workers
 * @param microBatches per step (R)
 * @param precision of computing and sending
 * @param checkpointing whether activations are computed again in the backward pass instead of kept
 * @param groups ZP groups that train side by side
 * @param loads of the experts
 */
public record StepSpec(
    ModelShape model,
    int length,
    int sequences,
    int microBatches,
    Precision precision,
    boolean checkpointing,
    int groups,
    ExpertLoads loads) {

  /** The step of a single group, checkpointed, with balanced loads. */
  public StepSpec(
      ModelShape model, int length, int sequences, int microBatches, Precision precision) {
    this(
        model,
        length,
        sequences,
        microBatches,
        precision,
        true,
        1,
        ExpertLoads.balanced(model.layers(), model.experts()));
  }

  /** Bytes of one expert's gradients. */
  public double gradientBytes() {
    return (double) model.expertParameters() * precision.bytes();
  }

  /** The same with other micro-batches. */
  public StepSpec withMicroBatches(int count, int sequencesOfEach) {
    return new StepSpec(
        model, length, sequencesOfEach, count, precision, checkpointing, groups, loads);
  }
}
