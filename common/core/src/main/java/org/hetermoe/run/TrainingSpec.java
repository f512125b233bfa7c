package org.hetermoe.run;

import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.schedule.ScheduleKind;

/**
 * How long and in what portions to train.
 *
 * @param steps optimizer steps
 * @param batchSequences sequences per step, over all attention workers
 * @param microBatches micro-batches per step (R)
 * @param schedule in which order the workers of a group compute within a step
 * @param evaluateEvery steps between evaluations; 0 evaluates only at the end
 * @param evaluateSequences held-out sequences per evaluation
 * @param checkpointEvery steps between checkpoints; 0 writes only the one at the end
 * @param recompute which activations are computed again instead of kept
 * @param lossScale scaling of the loss where a side computes in fp16
 */
public record TrainingSpec(
    int steps,
    int batchSequences,
    int microBatches,
    ScheduleKind schedule,
    int evaluateEvery,
    int evaluateSequences,
    int checkpointEvery,
    Recompute recompute,
    LossScaleSpec lossScale) {
  private static final int MOST_SEQUENCES = 1 << 20;
  private static final int MOST_MICRO_BATCHES = 1 << 10;

  public TrainingSpec {
    check(steps >= 1, "steps", "must be at least 1, is " + steps);
    check(batchSequences >= 1, "batch_sequences", "must be at least 1, is " + batchSequences);
    check(
        batchSequences <= MOST_SEQUENCES,
        "batch_sequences",
        "must be at most " + MOST_SEQUENCES + ", is " + batchSequences);
    check(microBatches >= 1, "micro_batches", "must be at least 1, is " + microBatches);
    check(
        microBatches <= MOST_MICRO_BATCHES,
        "micro_batches",
        "must be at most " + MOST_MICRO_BATCHES + ", is " + microBatches);
    check(
        microBatches <= batchSequences,
        "micro_batches",
        "must not exceed batch_sequences (" + batchSequences + "), is " + microBatches);
    check(evaluateEvery >= 0, "evaluate_every", "must be 0 or more, is " + evaluateEvery);
    check(
        evaluateSequences >= 1,
        "evaluate_sequences",
        "must be at least 1, is " + evaluateSequences);
    check(
        evaluateSequences <= MOST_SEQUENCES,
        "evaluate_sequences",
        "must be at most " + MOST_SEQUENCES + ", is " + evaluateSequences);
    check(checkpointEvery >= 0, "checkpoint_every", "must be 0 or more, is " + checkpointEvery);
  }

  private static void check(boolean valid, String field, String problem) {
    if (!valid) {
      throw new InvalidFieldException("training." + field, problem);
    }
  }
}
