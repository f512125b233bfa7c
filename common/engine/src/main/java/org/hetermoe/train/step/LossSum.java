package org.hetermoe.train.step;

import java.util.List;
import java.util.Optional;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.run.LossScale;
import org.hetermoe.run.WorkerLoad;

/** Adds up the losses of a batch: micro-batches in order, divided once. */
public final class LossSum {
  private final ModelConfig model;
  private final BatchTotals totals;
  private double crossEntropySum;
  private double balance;
  private double z;

  /** Of nothing yet. */
  public LossSum(ModelConfig model, BatchTotals totals) {
    this.model = model;
    this.totals = totals;
  }

  /**
   * Adds one attention worker's sum of cross entropies over the whole batch, in the order of ranks.
   */
  public void addCrossEntropy(double sum) {
    crossEntropySum += sum;
  }

  /** Adds a micro-batch's router statistics, of the whole group. */
  public void addRouting(RouterStatistics group) {
    double share = (double) group.tokens() / totals.tokens();
    balance += share * group.balanceLoss(model);
    z += share * group.zLoss(model);
  }

  /** The numbers of the step. */
  public StepResult result(
      double gradientNorm,
      Optional<LossScale> lossScale,
      List<WorkerLoad> workers,
      List<List<Long>> expertRows) {
    double crossEntropy = crossEntropySum / totals.predictedTokens();
    double loss = crossEntropy + model.balanceCoefficient() * balance + model.zCoefficient() * z;
    return new StepResult(
        loss, crossEntropy, balance, z, gradientNorm, lossScale, workers, expertRows);
  }
}
