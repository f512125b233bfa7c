package org.hetermoe.data;

import java.util.Arrays;

/**
 * Equally long sequences of token ids, row-major.
 *
 * @param sequences how many
 * @param length tokens per sequence
 * @param inputs ids, [sequences, length]
 * @param targets the ids to predict, [sequences, length]; negative is ignored
 */
public record SequenceBatch(int sequences, int length, int[] inputs, int[] targets) {
  public SequenceBatch {
    if (inputs.length != sequences * length || targets.length != inputs.length) {
      throw new IllegalArgumentException("ids do not fill " + sequences + " x " + length);
    }
  }

  /** The {@code count} sequences that begin with number {@code first}. */
  public SequenceBatch slice(int first, int count) {
    int from = first * length;
    int to = from + count * length;
    return new SequenceBatch(
        count, length, Arrays.copyOfRange(inputs, from, to), Arrays.copyOfRange(targets, from, to));
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
