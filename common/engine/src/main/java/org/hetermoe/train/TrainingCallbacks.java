package org.hetermoe.train;

import java.util.Optional;
import java.util.function.Consumer;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.group.Placement;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.optim.LossScaler;
import org.hetermoe.train.step.StepPolicy;
import org.hetermoe.train.step.StepResult;

/** What a {@link StepLoop} asks and tells; called by the rank's own thread. */
interface TrainingCallbacks extends StepPolicy {
  /** All sequences of a step, counted from 1; asked on attention ranks. */
  SequenceBatch batch(int step);

  /** So many held-out sequences; asked on attention ranks. */
  default SequenceBatch heldOut(int sequences) {
    throw new IllegalStateException("this training evaluates nothing");
  }

  /**
   * A step is done, and what follows it but checkpoint and moves; told on attention rank 0.
   *
   * @param seconds that the step took, evaluation left out
   * @param evaluation mean cross entropy of the held-out sequences, nats per token
   */
  default void onStep(int step, StepResult result, double seconds, Optional<Double> evaluation) {}

  /**
   * The rank's part of a checkpoint is due; what it stores is not changed before this returns.
   *
   * @param parameters calls its argument with every parameter set that this rank stores
   * @param lossScale state of the loss scale, if this rank stores it
   */
  default void onCheckpoint(
      int step, Consumer<Consumer<ParameterSet>> parameters, Optional<LossScaler.State> lossScale)
      throws InterruptedException {
    throw new IllegalStateException("this training stores nothing");
  }

  /**
   * Experts have moved; told on attention rank 0.
   *
   * @param seconds that the slowest rank took
   */
  default void onMove(int step, Placement placement, double seconds) {}
}
