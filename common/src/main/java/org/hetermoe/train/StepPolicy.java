package org.hetermoe.train;

/** Decides, on attention worker 0, what follows a step. */
public interface StepPolicy {
  /** Trains on: no evaluation, no checkpoint, no end. */
  StepPolicy TRAIN_ON = step -> new AfterStep(false, 0, false);

  /** What follows step {@code step}, counted from 1. */
  AfterStep after(int step);

  /**
   * What follows a step.
   *
   * @param last whether it is the last
   * @param evaluationSequences held-out sequences to evaluate; 0 for none
   * @param checkpoint whether to store a checkpoint
   */
  record AfterStep(boolean last, int evaluationSequences, boolean checkpoint) {}
}
