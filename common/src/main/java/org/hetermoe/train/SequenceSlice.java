package org.hetermoe.train;

import java.util.Arrays;
import org.hetermoe.plan.Split;

/**
 * Equally long sequences of token ids, row-major.
 *
 * @param sequences how many
 * @param length tokens per sequence
 * @param inputs ids, [sequences, length]
 * @param targets the ids to predict, [sequences, length]; negative is ignored
 */
public record SequenceSlice(int sequences, int length, int[] inputs, int[] targets) {
  public SequenceSlice {
    if (inputs.length != sequences * length || targets.length != inputs.length) {
      throw new IllegalArgumentException("ids do not fill " + sequences + " x " + length);
    }
  }

  /** Some consecutive sequences. */
  public SequenceSlice slice(Split range) {
    int from = range.from() * length;
    int to = from + range.count() * length;
    return new SequenceSlice(
        range.count(),
        length,
        Arrays.copyOfRange(inputs, from, to),
        Arrays.copyOfRange(targets, from, to));
  }

  /** Number of targets that are not ignored. */
  public long predictedTokens() {
    return Arrays.stream(targets).filter(target -> target >= 0).count();
  }

  /** Number of tokens. */
  public int tokens() {
    return inputs.length;
  }
}
