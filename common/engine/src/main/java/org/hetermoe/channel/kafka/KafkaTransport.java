package org.hetermoe.channel.kafka;

import static java.lang.System.Logger.Level.DEBUG;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.Refusal;
import org.hetermoe.channel.Refusals;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;

/**
 * A process's part in traffic by way of a broker: routes the records that come in to the channels
 * of the members and runs that live here. Thread-safe.
 */
public final class KafkaTransport implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(KafkaTransport.class.getName());

  private final RecordOutlet outlet;
  private final KafkaSettings settings;
  private final FrameBuffers buffers;
  private final Refusals refusals;
  private final Map<Place, KafkaChannel> channels = new ConcurrentHashMap<>();
  private final ExecutorService background;

  public KafkaTransport(
      RecordOutlet outlet, KafkaSettings settings, FrameBuffers buffers, Refusals refusals) {
    this.outlet = outlet;
    this.settings = settings;
    this.buffers = buffers;
    this.refusals = refusals;
    // What comes after the close is of no use to anybody.
    this.background =
        new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().name("hetermoe-kafka-credit").daemon().factory(),
            new ThreadPoolExecutor.DiscardPolicy());
  }

  /**
   * Opens a member's channel.
   *
   * @param partitions the members it talks with, and their partitions of their role's topic
   * @throws IllegalStateException if it is open already
   */
  public Channel open(RunKey run, WorkerRank self, Map<WorkerRank, Integer> partitions) {
    Map<WorkerRank, Integer> others = new HashMap<>(partitions);
    others.remove(self);
    KafkaChannel channel = new KafkaChannel(this, run, self, others);
    if (channels.putIfAbsent(new Place(run, self), channel) != null) {
      throw new IllegalStateException("a channel of " + self + " in " + run + " is open already");
    }
    return channel;
  }

  /**
   * Takes a record from the topic. To be called for the records of a partition in their order, by
   * the thread that consumes them. Waits while the receiver has too much unread: do not call it on
   * an event loop. Records that fit nowhere are refused and counted; nothing is thrown for them.
   */
  public void deliver(byte[] value) throws InterruptedException {
    if (Credit.is(value)) {
      deliverCredit(value);
      return;
    }
    switch (PartHeader.read(value)) {
      case PartHeader.Unsound(Refusal reason, String detail) -> refusals.refuse(reason, detail);
      case PartHeader.Sound(PartHeader part) -> {
        KafkaChannel channel = channels.get(new Place(part.run(), part.receiver()));
        if (channel == null) {
          refusals.refuse(whyMissing(part.run()), "record " + part);
        } else {
          route(channel, part, value);
        }
      }
    }
  }

  private void deliverCredit(byte[] value) {
    switch (Credit.read(value)) {
      case Credit.Unsound(Refusal reason, String detail) -> refusals.refuse(reason, detail);
      case Credit.Sound(Credit credit) -> {
        KafkaChannel channel = channels.get(new Place(credit.run(), credit.to()));
        if (channel != null) {
          channel.accept(credit);
        } else {
          // Its receiver sends no more: that is how most channels end.
          LOG.log(DEBUG, "credit for a channel that is no more: {0}", credit);
        }
      }
    }
  }

  private static void route(KafkaChannel channel, PartHeader part, byte[] value)
      throws InterruptedException {
    try {
      channel.accept(part, value);
    } catch (ChannelException e) {
      // Its member has given up the run and knows why; the record has no use any more.
      LOG.log(DEBUG, "record for a channel that is no more", e);
    }
  }

  private Refusal whyMissing(RunKey run) {
    if (channels.keySet().stream().anyMatch(place -> place.run.equals(run))) {
      return Refusal.WRONG_RECEIVER;
    }
    return channels.keySet().stream().anyMatch(place -> place.run.run().equals(run.run()))
        ? Refusal.OTHER_ATTEMPT
        : Refusal.OTHER_RUN;
  }

  void forget(KafkaChannel channel) {
    channels.remove(new Place(channel.run(), channel.self()), channel);
  }

  RecordOutlet outlet() {
    return outlet;
  }

  KafkaSettings settings() {
    return settings;
  }

  FrameBuffers buffers() {
    return buffers;
  }

  /** Where to do what may wait for the broker's client. */
  Executor background() {
    return background;
  }

  Refusals refusals() {
    return refusals;
  }

  /** Aborts and closes the channels that are still open. */
  @Override
  public void close() {
    for (KafkaChannel channel : List.copyOf(channels.values())) {
      channel.abort("the process stops taking part");
      channel.close();
    }
    background.shutdown();
  }

  private record Place(RunKey run, WorkerRank member) {}
}
