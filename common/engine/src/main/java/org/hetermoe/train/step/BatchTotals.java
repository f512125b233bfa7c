package org.hetermoe.train.step;

import org.hetermoe.data.SequenceBatch;

/**
 * What makes means of the sums of a batch, and by how much their gradients are scaled.
 *
 * @param predictedTokens targets of the whole batch that are not ignored
 * @param tokens of the whole batch
 * @param lossScale factor on the loss whose gradients are taken; 1 where it is not scaled
 */
public record BatchTotals(long predictedTokens, long tokens, double lossScale) {
  /** The totals of a batch whose loss is not scaled. */
  public static BatchTotals of(SequenceBatch batch) {
    return of(batch, 1);
  }

  /** The totals of a batch whose loss is scaled. */
  public static BatchTotals of(SequenceBatch batch, double lossScale) {
    return new BatchTotals(batch.predictedTokens(), batch.tokens(), lossScale);
  }
}
