package org.hetermoe.channel;

import org.hetermoe.group.WorkerRank;

/** The channels of a group under test, in one process, over one transport. */
public interface ChannelGroup extends AutoCloseable {
  /** The channel of a member, always the same one. */
  Channel channel(WorkerRank member);

  @Override
  void close();
}
