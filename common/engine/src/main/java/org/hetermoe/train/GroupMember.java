package org.hetermoe.train;

import java.io.IOException;
import org.hetermoe.group.Placement;

/**
 * One worker's part in one run: prepare, train, close, in this order and on one thread. {@link
 * #stopAfterStep}, {@link #rebalance} and {@link #step} may be called from any thread; a member
 * that waits for its peers is freed by aborting its channel, which makes {@link #train} throw.
 */
public interface GroupMember extends AutoCloseable {
  /**
   * Makes or loads weights, opens data. Sends nothing to peers.
   *
   * @throws IOException if data or checkpoint cannot be read
   */
  void prepare() throws IOException, InterruptedException;

  /**
   * Trains to the end of the run, or until told to stop, and stores the checkpoints on the way.
   *
   * @throws org.hetermoe.channel.ChannelException if a peer is lost or the channel was aborted
   */
  Outcome train() throws InterruptedException;

  /** Asks the group to end after the current step; heeded by attention worker 0 alone. */
  void stopAfterStep();

  /**
   * Asks the group to move experts between the current step and the next, so that training goes on
   * with another placement; heeded by attention worker 0 alone, and not after the last step. A
   * later call before that replaces an earlier one.
   *
   * @throws org.hetermoe.model.InvalidFieldException if the placement does not fit model and group;
   *     nothing moves then
   */
  void rebalance(Placement placement);

  /** The last step done. */
  int step();

  @Override
  void close();

  /**
   * How training ended.
   *
   * @param steps last step done
   * @param stopped whether it ended before the run's last step
   */
  record Outcome(int steps, boolean stopped) {}
}
