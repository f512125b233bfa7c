package org.hetermoe.plan;

import java.util.Collections;
import java.util.List;
import org.hetermoe.model.ModelShape;

/**
 * What a ZP group trains in one step.
 *
 * @param model its sizes
 * @param length of a sequence, tokens
 * @param sequences of each micro-batch, over all attention workers
 * @param training what training does
 * @param groups ZP groups that train side by side
 * @param loads of the experts
 */
public record StepSpec(
    ModelShape model,
    int length,
    List<Integer> sequences,
    Training training,
    int groups,
    ExpertLoads loads) {
  public StepSpec {
    sequences = List.copyOf(sequences);
    if (sequences.isEmpty()) {
      throw new IllegalArgumentException("a step needs a micro-batch");
    }
  }

  /** A step of micro-batches that are alike. */
  public static StepSpec alike(
      ModelShape model,
      int length,
      int sequencesOfMicroBatch,
      int microBatches,
      Training training,
      int groups,
      ExpertLoads loads) {
    return new StepSpec(
        model,
        length,
        Collections.nCopies(microBatches, sequencesOfMicroBatch),
        training,
        groups,
        loads);
  }

  /** Number of micro-batches (R). */
  public int microBatches() {
    return sequences.size();
  }

  /** Tokens of a micro-batch, the mean of all. */
  public double meanTokens() {
    return (double) sequences.stream().mapToInt(Integer::intValue).sum() * length / microBatches();
  }

  /** Rows of an expert in a micro-batch, the mean of all. */
  public double meanRows() {
    return meanTokens() * model.topK() / model.experts();
  }
}
