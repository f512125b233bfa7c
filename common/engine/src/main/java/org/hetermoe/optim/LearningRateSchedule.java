package org.hetermoe.optim;

import org.hetermoe.run.OptimizerSpec;

/** Linear warm-up from 0, then a half cosine down to the minimum at the last step. */
public final class LearningRateSchedule {
  private final OptimizerSpec optimizer;
  private final int steps;

  /**
   * The schedule of a run.
   *
   * @param steps last step of the run
   */
  public LearningRateSchedule(OptimizerSpec optimizer, int steps) {
    this.optimizer = optimizer;
    this.steps = steps;
  }

  /** The learning rate of a step, counted from 1. */
  public double at(int step) {
    int warmup = optimizer.warmupSteps();
    if (step <= warmup) {
      return optimizer.learningRate() * step / warmup;
    }
    double progress = Math.min(1.0, (step - warmup) / (double) Math.max(1, steps - warmup));
    double cosine = 0.5 * (1 + StrictMath.cos(StrictMath.PI * progress));
    return optimizer.minLearningRate()
        + (optimizer.learningRate() - optimizer.minLearningRate()) * cosine;
  }
}
