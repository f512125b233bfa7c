package org.hetermoe.train;

import java.util.List;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.run.WorkerLoad;
import org.hetermoe.train.AttentionReplica.BatchTotals;

/** Adds up the losses of a batch: micro-batches in order, divided once. */
final class LossSum {
  private final ModelConfig model;
  private final BatchTotals totals;
  private double crossEntropySum;
  private double balance;
  private double z;

  LossSum(ModelConfig model, BatchTotals totals) {
    this.model = model;
    this.totals = totals;
  }

  /**
   * Adds one attention worker's sum of cross entropies over the whole batch, in the order of ranks.
   */
  void addCrossEntropy(double sum) {
    crossEntropySum += sum;
  }

  /** Adds a micro-batch's router statistics, of the whole group. */
  void addRouting(RouterStatistics group) {
    double share = (double) group.tokens() / totals.tokens();
    balance += share * group.balanceLoss(model);
    z += share * group.zLoss(model);
  }

  StepResult result(double gradientNorm, List<WorkerLoad> workers, List<List<Long>> expertRows) {
    double crossEntropy = crossEntropySum / totals.predictedTokens();
    double loss = crossEntropy + model.balanceCoefficient() * balance + model.zCoefficient() * z;
    return new StepResult(loss, crossEntropy, balance, z, gradientNorm, workers, expertRows);
  }
}
