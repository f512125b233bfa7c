package org.hetermoe.train.step;

import java.util.ArrayList;
import java.util.List;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.schedule.Split;

/**
 * How held-out sequences are cut into micro-batches, and those into rounds of at most R, so that an
 * evaluation needs no more memory than a step.
 *
 * @param firstMicroBatch number of the first micro-batch: they count on, round by round
 * @param microBatches the sequences of each micro-batch of the round
 */
public record EvaluationRound(int firstMicroBatch, List<Split> microBatches) {
  /** Sequences that one worker takes in a micro-batch: some, so that products are not thin. */
  private static final int SEQUENCES_PER_SHARE = 4;

  /** The rounds of an evaluation of so many held-out sequences. */
  public static List<EvaluationRound> rounds(GroupPlan plan, int sequences) {
    List<EvaluationRound> rounds = new ArrayList<>();
    int perRound = plan.microBatches() * plan.attentionWorkers() * SEQUENCES_PER_SHARE;
    int number = 0;
    for (int from = 0; from < sequences; from += perRound) {
      int count = Math.min(perRound, sequences - from);
      int parts = Math.min(plan.microBatches(), count);
      List<Split> microBatches = new ArrayList<>();
      for (int part = 0; part < parts; part++) {
        Split split = Split.of(count, parts, part);
        microBatches.add(new Split(from + split.from(), split.count()));
      }
      rounds.add(new EvaluationRound(number, List.copyOf(microBatches)));
      number += parts;
    }
    return rounds;
  }
}
