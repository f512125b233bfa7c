package org.hetermoe.worker;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.hetermoe.channel.Channel;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;

/** Opens the ends of a run's channels that lie in this process. */
@FunctionalInterface
interface ChannelOpener {
  /**
   * One channel per peer; the caller closes them.
   *
   * @param local the members that run in this process
   * @throws IOException if this process cannot carry such a channel
   */
  Map<WorkerRank, Channel> open(Assignment assignment, List<WorkerRank> local)
      throws IOException, InterruptedException;
}
