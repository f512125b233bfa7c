package org.hetermoe.channel.memory;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.hetermoe.channel.AbstractChannel;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.Inbox;
import org.hetermoe.channel.PooledFrame;
import org.hetermoe.channel.Refusals;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;

/**
 * The channels of a group whose members all live in this process: frames change hands, nothing is
 * copied. A member's channel that is closed or aborted is lost to the others. Thread-safe.
 */
public final class MemoryChannels implements AutoCloseable {
  private final Refusals refusals;
  private final Map<WorkerRank, MemoryChannel> channels = new TreeMap<>();

  /**
   * @param members all members of the group
   * @param windowBytes how many payload bytes a member may have sent to another unread
   */
  public MemoryChannels(
      RunKey run,
      Collection<WorkerRank> members,
      FrameBuffers buffers,
      Refusals refusals,
      long windowBytes) {
    this.refusals = refusals;
    for (WorkerRank member : members) {
      List<WorkerRank> others = new ArrayList<>(members);
      others.remove(member);
      Inbox inbox = new Inbox(member, others, windowBytes, Inbox.WindowScope.EACH_SENDER);
      channels.put(member, new MemoryChannel(run, member, buffers, inbox));
    }
  }

  /** With the usual window. */
  public MemoryChannels(
      RunKey run, Collection<WorkerRank> members, FrameBuffers buffers, Refusals refusals) {
    this(run, members, buffers, refusals, Inbox.DEFAULT_WINDOW_BYTES);
  }

  /**
   * The channel of a member, always the same one.
   *
   * @throws IllegalArgumentException if it is not a member
   */
  public Channel channel(WorkerRank member) {
    return find(member);
  }

  private MemoryChannel find(WorkerRank member) {
    MemoryChannel channel = channels.get(member);
    if (channel == null) {
      throw new IllegalArgumentException(member + " is not a member of the group");
    }
    return channel;
  }

  /** Closes all channels. */
  @Override
  public void close() {
    channels.values().forEach(MemoryChannel::close);
  }

  private final class MemoryChannel extends AbstractChannel {
    MemoryChannel(RunKey run, WorkerRank self, FrameBuffers buffers, Inbox inbox) {
      super(run, self, buffers, inbox);
    }

    @Override
    protected void transmit(WorkerRank receiver, PooledFrame frame) throws InterruptedException {
      Inbox target = find(receiver).inbox;
      try {
        target.reserve(self(), frame.payloadBytes());
      } catch (ChannelException e) {
        inbox.checkAlive();
        throw new ChannelException("%s cannot reach %s".formatted(self(), receiver), e);
      }
      String what = frame.key().toString();
      target.deliver(frame).ifPresent(reason -> refusals.refuse(reason, what + " for " + receiver));
    }

    @Override
    public void abort(String reason) {
      inbox.abort(reason);
      leave("it was aborted: " + reason);
    }

    @Override
    public void close() {
      inbox.close();
      leave("it closed its channel");
    }

    private void leave(String reason) {
      for (MemoryChannel other : channels.values()) {
        if (other != this) {
          other.inbox.lose(self(), reason);
        }
      }
    }
  }
}
