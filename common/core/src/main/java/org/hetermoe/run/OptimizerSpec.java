package org.hetermoe.run;

import org.hetermoe.model.InvalidFieldException;

/**
 * AdamW, its learning-rate schedule and gradient clipping.
 *
 * @param learningRate peak learning rate
 * @param minLearningRate where the cosine ends
 * @param warmupSteps steps of linear warm-up from 0
 * @param beta1 decay of the first moment
 * @param beta2 decay of the second moment
 * @param epsilon added to the denominator
 * @param weightDecay decoupled weight decay, for matrices
 * @param decayAll whether norms and embeddings decay too
 * @param clipNorm largest global gradient norm; 0 clips nothing
 */
public record OptimizerSpec(
    double learningRate,
    double minLearningRate,
    int warmupSteps,
    double beta1,
    double beta2,
    double epsilon,
    double weightDecay,
    boolean decayAll,
    double clipNorm) {
  public OptimizerSpec {
    check(
        learningRate > 0 && Double.isFinite(learningRate),
        "learning_rate",
        "must be greater than 0, is " + learningRate);
    check(
        minLearningRate >= 0 && minLearningRate <= learningRate,
        "min_learning_rate",
        "must lie between 0 and learning_rate, is " + minLearningRate);
    check(warmupSteps >= 0, "warmup_steps", "must be 0 or more, is " + warmupSteps);
    check(beta1 >= 0 && beta1 < 1, "beta1", "must lie in [0, 1), is " + beta1);
    check(beta2 >= 0 && beta2 < 1, "beta2", "must lie in [0, 1), is " + beta2);
    check(epsilon > 0, "epsilon", "must be greater than 0, is " + epsilon);
    check(
        weightDecay >= 0 && Double.isFinite(weightDecay),
        "weight_decay",
        "must be 0 or more, is " + weightDecay);
    check(
        clipNorm >= 0 && Double.isFinite(clipNorm),
        "clip_norm",
        "must be 0 (no clipping) or more, is " + clipNorm);
  }

  private static void check(boolean valid, String field, String problem) {
    if (!valid) {
      throw new InvalidFieldException("optimizer." + field, problem);
    }
  }
}
