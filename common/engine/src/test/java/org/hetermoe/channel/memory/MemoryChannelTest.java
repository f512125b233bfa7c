package org.hetermoe.channel.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Collection;
import java.util.concurrent.Future;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.ChannelConformance;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.channel.ChannelGroup;
import org.hetermoe.channel.Frame;
import org.hetermoe.channel.FrameKey;
import org.hetermoe.channel.Frames;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.junit.jupiter.api.Test;

class MemoryChannelTest extends ChannelConformance {
  @Override
  protected ChannelGroup open(RunKey run, Collection<WorkerRank> members, long windowBytes) {
    MemoryChannels channels = new MemoryChannels(run, members, buffers, refusals, windowBytes);
    return new ChannelGroup() {
      @Override
      public Channel channel(WorkerRank member) {
        return channels.channel(member);
      }

      @Override
      public void close() {
        channels.close();
      }
    };
  }

  @Test
  void nothingIsCopied() throws Exception {
    try (ChannelGroup group = open(newRun(), PAIR, WINDOW)) {
      FrameKey key = Frames.key(ATTENTION, 1, 0, 0);
      Frame sent = Frames.filled(group.channel(ATTENTION), key, 4, 8, 16);
      long address = sent.data().address();
      group.channel(ATTENTION).send(EXPERT, sent);
      try (Frame received = group.channel(EXPERT).receive(key)) {
        assertThat(received.data().address()).isEqualTo(address);
      }
    }
  }

  @Test
  void aMemberThatLeavesIsLostToTheOthers() throws Exception {
    try (ChannelGroup group = open(newRun(), PAIR, WINDOW)) {
      Future<?> waiting = run(() -> group.channel(EXPERT).receive(Frames.key(ATTENTION, 1, 0, 0)));
      group.channel(ATTENTION).close();
      assertFails(waiting, "lost its connection to attention-0");
      assertThatThrownBy(
              () ->
                  Frames.send(
                      group.channel(EXPERT), ATTENTION, Frames.key(EXPERT, 1, 0, 0), 0, 1, 1))
          .isInstanceOf(ChannelException.class)
          .hasMessageContaining("attention-0");
    }
  }
}
