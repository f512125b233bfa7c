package org.hetermoe.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.UUID;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.junit.jupiter.api.Test;

/** What every transport must do whose frames leave the process. */
public abstract class WireConformance extends ChannelConformance {
  /** Sends a frame to {@code group}'s receiver from outside the group. */
  protected abstract void sendFromOutside(
      ChannelGroup group, RunKey run, FrameKey key, WorkerRank receiver) throws Exception;

  @Test
  void aFrameOfAnotherRunIsRefusedAndTheRunGoesOn() throws Exception {
    RunKey run = newRun();
    try (ChannelGroup group = open(run, PAIR, WINDOW)) {
      FrameKey key = Frames.key(ATTENTION, 1, 0, 0);
      sendFromOutside(group, new RunKey(UUID.randomUUID(), 1), key, EXPERT);
      await().untilAsserted(() -> assertThat(refusals.count(Refusal.OTHER_RUN)).isPositive());
      Frames.send(group.channel(ATTENTION), EXPERT, key, 3, 4, 5);
      Frames.receive(group.channel(EXPERT), key, 3, 4, 5);
    }
  }

  @Test
  void aFrameOfAnotherAttemptIsRefusedAndTheRunGoesOn() throws Exception {
    RunKey run = new RunKey(UUID.randomUUID(), 5);
    try (ChannelGroup group = open(run, PAIR, WINDOW)) {
      FrameKey key = Frames.key(ATTENTION, 1, 0, 0);
      sendFromOutside(group, new RunKey(run.run(), 4), key, EXPERT);
      await().untilAsserted(() -> assertThat(refusals.count(Refusal.OTHER_ATTEMPT)).isPositive());
      Frames.send(group.channel(ATTENTION), EXPERT, key, 3, 4, 5);
      Frames.receive(group.channel(EXPERT), key, 3, 4, 5);
    }
  }

  @Test
  void aFrameForAnotherReceiverIsRefusedAndTheRunGoesOn() throws Exception {
    RunKey run = newRun();
    try (ChannelGroup group = open(run, PAIR, WINDOW)) {
      FrameKey key = Frames.key(ATTENTION, 1, 0, 0);
      sendFromOutside(group, run, key, WorkerRank.expert(9));
      await().untilAsserted(() -> assertThat(refusals.count(Refusal.WRONG_RECEIVER)).isPositive());
      Frames.send(group.channel(ATTENTION), EXPERT, key, 3, 4, 5);
      Frames.receive(group.channel(EXPERT), key, 3, 4, 5);
    }
  }

  @Test
  void aFrameOfAStrangerIsRefusedAndTheRunGoesOn() throws Exception {
    RunKey run = newRun();
    try (ChannelGroup group = open(run, PAIR, WINDOW)) {
      sendFromOutside(group, run, Frames.key(WorkerRank.attention(9), 1, 0, 0), EXPERT);
      await().untilAsserted(() -> assertThat(refusals.count(Refusal.UNKNOWN_SENDER)).isPositive());
      FrameKey key = Frames.key(ATTENTION, 1, 0, 0);
      Frames.send(group.channel(ATTENTION), EXPERT, key, 3, 4, 5);
      Frames.receive(group.channel(EXPERT), key, 3, 4, 5);
    }
  }
}
