package org.hetermoe.optim;

import org.hetermoe.compute.AdamWStep;
import org.hetermoe.compute.Compute;
import org.hetermoe.nn.Parameter;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.run.OptimizerSpec;

/**
 * AdamW with fp32 state. Weights and moments are the caller's; this knows the rule and the
 * constants.
 */
public final class AdamW {
  private final OptimizerSpec optimizer;
  private final LearningRateSchedule learningRate;

  /**
   * The optimizer of a run.
   *
   * @param steps last step of the run, where the learning rate ends
   */
  public AdamW(OptimizerSpec optimizer, int steps) {
    this.optimizer = optimizer;
    this.learningRate = new LearningRateSchedule(optimizer, steps);
  }

  /** The learning rate of a step, counted from 1. */
  public double learningRate(int step) {
    return learningRate.at(step);
  }

  /**
   * Updates parameters and sets their gradients to zero.
   *
   * @param step counted from 1; decides the learning rate
   * @param updates how many updates this is, steps that were skipped left out: the bias of the
   *     moments depends on what went into them
   * @param clip factor on the gradients
   */
  public void update(Compute compute, ParameterSet parameters, int step, int updates, double clip) {
    for (Parameter parameter : parameters.all()) {
      compute.adamW(
          parameter.master(),
          parameter.value(),
          parameter.gradient(),
          parameter.m(),
          parameter.v(),
          new AdamWStep(
              learningRate.at(step),
              optimizer.beta1(),
              optimizer.beta2(),
              optimizer.epsilon(),
              parameter.decays() || optimizer.decayAll() ? optimizer.weightDecay() : 0,
              clip,
              1 - StrictMath.pow(optimizer.beta1(), updates),
              1 - StrictMath.pow(optimizer.beta2(), updates)));
    }
  }
}
