package org.hetermoe.train.step;

import org.hetermoe.data.SequenceBatch;

/**
 * What divides the sums of a batch into means.
 *
 * @param predictedTokens targets of the whole batch that are not ignored
 * @param tokens of the whole batch
 */
public record BatchTotals(long predictedTokens, long tokens) {
  /** The totals of a batch. */
  public static BatchTotals of(SequenceBatch batch) {
    return new BatchTotals(batch.predictedTokens(), batch.tokens());
  }
}
