package org.hetermoe.channel;

import org.hetermoe.group.Peer;

/** The channels of a group under test, in one process, over one transport. */
public interface ChannelGroup extends AutoCloseable {
  /** The channel of a member, always the same one. */
  Channel channel(Peer member);

  @Override
  void close();
}
