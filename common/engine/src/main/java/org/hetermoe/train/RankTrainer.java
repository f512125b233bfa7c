package org.hetermoe.train;

import java.io.IOException;
import org.hetermoe.channel.Channel;
import org.hetermoe.compute.Compute;
import org.hetermoe.group.Placement;
import org.hetermoe.run.Assignment;

/**
 * What one rank of a group does in one run: prepare, train, close, in this order and on one thread.
 * It owns the rank's data, weights and checkpoints. {@link #stopAfterStep}, {@link #rebalance} and
 * {@link #step} may be called from any thread; a rank that waits for others is freed by aborting
 * its channel, which makes {@link #train} throw.
 */
public interface RankTrainer extends AutoCloseable {
  /**
   * A trainer that has done nothing yet.
   *
   * @param compute its device; stays the caller's
   * @param channel its end, which says which rank of the assignment it is; stays the caller's
   */
  static RankTrainer create(
      Assignment assignment, Compute compute, Channel channel, TrainerEnvironment environment) {
    return new StepLoopTrainer(assignment, compute, channel, environment);
  }

  /**
   * Makes or loads weights, opens data. Sends nothing to other ranks.
   *
   * @throws IOException if data or checkpoint cannot be read
   * @throws org.hetermoe.compute.ComputeUnavailableException if the device cannot compute in the
   *     precision that the run asks for
   */
  void prepare() throws IOException, InterruptedException;

  /**
   * Trains to the end of the run, or until told to stop, and stores the checkpoints on the way.
   *
   * @throws org.hetermoe.channel.ChannelException if another rank is lost or the channel was
   *     aborted
   */
  TrainingEnd train() throws InterruptedException;

  /** Asks the group to end after the current step; heeded by attention rank 0 alone. */
  void stopAfterStep();

  /**
   * Asks the group to move experts between the current step and the next, so that training goes on
   * with another placement; heeded by attention rank 0 alone, and not after the last step. A later
   * call before that replaces an earlier one.
   *
   * @throws org.hetermoe.model.InvalidFieldException if the placement does not fit model and group;
   *     nothing moves then
   */
  void rebalance(Placement placement);

  /** The last step done. */
  int step();

  @Override
  void close();
}
