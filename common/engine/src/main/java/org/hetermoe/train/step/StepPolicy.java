package org.hetermoe.train.step;

import java.util.Optional;
import org.hetermoe.group.Placement;

/** Decides, on attention worker 0, what follows a step. */
public interface StepPolicy {
  /** Trains on: no evaluation, no checkpoint, no move, no end. */
  StepPolicy TRAIN_ON = step -> new AfterStep(false, 0, false, Optional.empty());

  /** What follows step {@code step}, counted from 1. */
  AfterStep after(int step);

  /**
   * What follows a step, in this order: evaluation, checkpoint, moves of experts.
   *
   * @param last whether it is the last
   * @param evaluationSequences held-out sequences to evaluate; 0 for none
   * @param checkpoint whether to store a checkpoint
   * @param placement which worker is to own which expert from the next step on; empty to leave them
   *     where they are
   */
  record AfterStep(
      boolean last, int evaluationSequences, boolean checkpoint, Optional<Placement> placement) {}
}
