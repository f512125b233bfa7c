package org.hetermoe.compute;

/**
 * Sizes of a causal self-attention over a batch of equally long sequences. Rows are laid out
 * sequence by sequence: row {@code s * length + t} is token {@code t} of sequence {@code s}.
 *
 * @param sequences number of sequences; may be 0
 * @param length tokens per sequence
 * @param heads query heads
 * @param kvHeads key/value heads; each serves {@code heads / kvHeads} consecutive query heads
 * @param headDim width of a head; even
 */
public record AttentionShape(int sequences, int length, int heads, int kvHeads, int headDim) {
  public AttentionShape {
    if (sequences < 0 || length < 1 || heads < 1 || kvHeads < 1 || headDim < 2) {
      throw new IllegalArgumentException("attention sizes must be positive");
    }
    if (heads % kvHeads != 0) {
      throw new IllegalArgumentException("heads must be a multiple of kvHeads");
    }
    if (headDim % 2 != 0) {
      throw new IllegalArgumentException("headDim must be even: RoPE turns pairs");
    }
  }

  /** Rows of the batch. */
  public int tokens() {
    return Math.multiplyExact(sequences, length);
  }

  /** Columns of a query or output row. */
  public int queryWidth() {
    return heads * headDim;
  }

  /** Columns of a key or value row. */
  public int kvWidth() {
    return kvHeads * headDim;
  }
}
