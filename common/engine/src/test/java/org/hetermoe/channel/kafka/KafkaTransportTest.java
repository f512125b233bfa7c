package org.hetermoe.channel.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.FrameKey;
import org.hetermoe.channel.Frames;
import org.hetermoe.channel.Refusal;
import org.hetermoe.channel.Refusals;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Splitting and joining, with records in the test's own hands. */
@Timeout(30)
class KafkaTransportTest {
  private static final WorkerRank FIRST = WorkerRank.attention(0);
  private static final WorkerRank SECOND = WorkerRank.attention(1);
  private static final WorkerRank EXPERT = WorkerRank.expert(0);
  private static final Map<WorkerRank, Integer> PARTITIONS = Map.of(FIRST, 0, SECOND, 1, EXPERT, 2);
  private static final KafkaSettings SETTINGS = KafkaSettings.usual().withMaxRecordBytes(1024);

  private final FrameBuffers buffers = new FrameBuffers();
  private final Refusals refusals = new Refusals();
  private final RunKey run = new RunKey(UUID.randomUUID(), 1);
  private final List<byte[]> records = new CopyOnWriteArrayList<>();
  private final List<byte[]> credits = new CopyOnWriteArrayList<>();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final KafkaTransport transport = transport(this::keep, SETTINGS);
  private final Channel first = transport.open(run, FIRST, PARTITIONS);
  private final Channel second = transport.open(run, SECOND, PARTITIONS);
  private final Channel expert = transport.open(run, EXPERT, PARTITIONS);

  @AfterEach
  void allBuffersAreReturned() {
    transport.close();
    threads.shutdownNow();
    assertThat(buffers.outstanding()).isZero();
    buffers.close();
  }

  @Test
  void aLargeFrameIsSplitAndJoined() throws Exception {
    FrameKey key = Frames.key(FIRST, 1, 0, 0);
    List<byte[]> parts = recordsOf(first, key, 5, 20, 64);
    assertThat(parts).hasSizeGreaterThan(5).allMatch(part -> part.length <= 1024);
    deliver(parts);
    Frames.receive(expert, key, 5, 20, 64);
    assertThat(refusals.total()).isZero();
  }

  @Test
  void partsOfSeveralSendersMayInterleave() throws Exception {
    List<byte[]> ones = recordsOf(first, Frames.key(FIRST, 1, 0, 0), 5, 20, 64);
    List<byte[]> others = recordsOf(second, Frames.key(SECOND, 1, 0, 0), 5, 20, 64);
    for (int i = 0; i < ones.size(); i++) {
      transport.deliver(others.get(i));
      transport.deliver(ones.get(i));
    }
    Frames.receive(expert, Frames.key(FIRST, 1, 0, 0), 5, 20, 64);
    Frames.receive(expert, Frames.key(SECOND, 1, 0, 0), 5, 20, 64);
  }

  @Test
  void recordsThatComeTwiceAreHarmless() throws Exception {
    FrameKey key = Frames.key(FIRST, 1, 0, 0);
    List<byte[]> parts = recordsOf(first, key, 5, 20, 64);
    deliver(parts.subList(0, 4));
    deliver(parts.subList(1, 4));
    deliver(parts.subList(4, parts.size()));
    deliver(parts);
    Frames.receive(expert, key, 5, 20, 64);
    assertThat(refusals.count(Refusal.DUPLICATE)).isEqualTo(3 + parts.size());
  }

  @Test
  void aLostRecordFailsTheChannelInsteadOfBeingWaitedFor() throws Exception {
    List<byte[]> parts = recordsOf(first, Frames.key(FIRST, 1, 0, 0), 5, 20, 64);
    parts.remove(3);
    deliver(parts);
    assertThatThrownBy(() -> expert.receive(Frames.key(FIRST, 1, 0, 0)))
        .isInstanceOf(ChannelException.class)
        .hasMessageContaining("attention-0")
        .hasMessageContaining("lost");
    assertThat(refusals.count(Refusal.TRUNCATED)).isEqualTo(1);
  }

  @Test
  void aDamagedFrameFailsTheChannelInsteadOfBeingWaitedFor() throws Exception {
    List<byte[]> parts = recordsOf(first, Frames.key(FIRST, 1, 0, 0), 5, 20, 64);
    parts.get(2)[500] ^= 1;
    deliver(parts);
    assertThatThrownBy(() -> expert.receive(Frames.key(FIRST, 1, 0, 0)))
        .isInstanceOf(ChannelException.class)
        .hasMessageContaining("damaged");
    assertThat(refusals.count(Refusal.BAD_CHECKSUM)).isEqualTo(1);
  }

  @Test
  void theUnfinishedFramesOfAnAbortedRunAreDiscarded() throws Exception {
    List<byte[]> parts = recordsOf(first, Frames.key(FIRST, 1, 0, 0), 5, 20, 64);
    deliver(parts.subList(0, 4));
    assertThat(buffers.outstanding()).isEqualTo(1);
    expert.abort("over");
    expert.close();
    assertThat(buffers.outstanding()).isZero();
    deliver(parts.subList(4, parts.size()));
    assertThat(refusals.count(Refusal.WRONG_RECEIVER)).isEqualTo(parts.size() - 4);
  }

  @Test
  void damagedRecordsAreRefusedAndTheRunGoesOn() throws Exception {
    FrameKey key = Frames.key(FIRST, 1, 0, 0);
    List<byte[]> parts = recordsOf(first, key, 5, 20, 64);
    Random random = new Random(11);
    int rubbish = 0;
    for (byte[] part : parts) {
      for (int i = 0; i < 200; i++) {
        byte[] flipped = part.clone();
        flipped[random.nextInt(PartHeader.BYTES)] ^= (byte) (1 << random.nextInt(8));
        transport.deliver(flipped);
        byte[] noise = new byte[random.nextInt(2000)];
        random.nextBytes(noise);
        transport.deliver(noise);
        transport.deliver(java.util.Arrays.copyOf(part, random.nextInt(part.length)));
        rubbish += 3;
      }
      transport.deliver(part);
    }
    Frames.receive(expert, key, 5, 20, 64);
    assertThat(refusals.total()).isEqualTo(rubbish);
  }

  @Test
  void sendersWaitForTheBroker() throws Exception {
    List<CompletableFuture<Void>> promises = new ArrayList<>();
    RecordOutlet slow =
        (_, _, _, _) -> {
          CompletableFuture<Void> promise = new CompletableFuture<>();
          synchronized (promises) {
            promises.add(promise);
          }
          return promise;
        };
    try (KafkaTransport waiting = transport(slow, SETTINGS.withUnacknowledgedBytes(4096))) {
      Channel channel = waiting.open(run, FIRST, PARTITIONS);
      Future<?> sending =
          threads.submit(
              () -> {
                Frames.send(channel, EXPERT, Frames.key(FIRST, 1, 0, 0), 0, 20, 64);
                return null;
              });
      await().until(() -> count(promises) == 4);
      await().during(Duration.ofMillis(100)).until(() -> count(promises) == 4 && !sending.isDone());
      while (!sending.isDone()) {
        synchronized (promises) {
          promises.forEach(promise -> promise.complete(null));
        }
      }
      sending.get();
      synchronized (promises) {
        promises.forEach(promise -> promise.complete(null));
      }
    }
  }

  @Test
  void sendersWaitUntilTheReceiverHasLetEnoughIn() throws Exception {
    try (KafkaTransport narrow = transport(this::keep, SETTINGS.withWindowBytes(24_000))) {
      Channel sender = narrow.open(run, FIRST, PARTITIONS);
      Channel receiver = narrow.open(run, EXPERT, PARTITIONS);
      Future<?> sending = sending(sender, 6);
      // Two frames of 5 KiB fill a share of 12,000 bytes.
      await().during(Duration.ofMillis(200)).until(() -> records.size() == 2 * 6);
      assertThat(sending).isNotDone();

      // The inbox lets all in: its member waits.
      Future<?> receiving = threads.submit(() -> receive(receiver, 5));
      int delivered = 0;
      int credited = 0;
      while (!receiving.isDone()) {
        while (delivered < records.size()) {
          narrow.deliver(records.get(delivered++));
        }
        while (credited < credits.size()) {
          narrow.deliver(credits.get(credited++));
        }
      }
      receiving.get();
      sending.get();
      for (int i = 0; i < 5; i++) {
        receive(receiver, i);
      }
      assertThat(refusals.total()).isZero();
    }
  }

  @Test
  void aReceiverThatLeavesLetsItsSendersGo() throws Exception {
    try (KafkaTransport narrow = transport(this::keep, SETTINGS.withWindowBytes(24_000))) {
      Channel sender = narrow.open(run, FIRST, PARTITIONS);
      Channel receiver = narrow.open(run, EXPERT, PARTITIONS);
      Future<?> sending = sending(sender, 6);
      await().until(() -> records.size() == 2 * 6);
      narrow.deliver(records.getFirst());
      await().until(() -> !credits.isEmpty());
      assertThat(sending).isNotDone();

      receiver.close();
      await().until(() -> credits.size() == 2);
      narrow.deliver(credits.getLast());
      sending.get();
    }
  }

  @Test
  void creditThatIsDamagedOrOfAStrangerIsRefused() throws Exception {
    WorkerRank stranger = WorkerRank.expert(7);
    transport.deliver(new Credit(run, stranger, FIRST, 5).record());
    assertThat(refusals.count(Refusal.UNKNOWN_SENDER)).isEqualTo(1);
    byte[] damaged = new Credit(run, EXPERT, FIRST, 5).record();
    damaged[37] ^= 1;
    transport.deliver(damaged);
    assertThat(refusals.count(Refusal.BAD_CHECKSUM)).isEqualTo(1);
    transport.deliver(java.util.Arrays.copyOf(damaged, 20));
    assertThat(refusals.count(Refusal.SIZE_MISMATCH)).isEqualTo(1);
  }

  private Future<?> sending(Channel sender, int frames) {
    return threads.submit(
        () -> {
          for (int i = 0; i < frames; i++) {
            Frames.send(sender, EXPERT, Frames.key(FIRST, 1, 0, i), 0, 20, 64);
          }
          return null;
        });
  }

  private static Void receive(Channel receiver, int number) throws InterruptedException {
    Frames.receive(receiver, Frames.key(FIRST, 1, 0, number), 0, 20, 64);
    return null;
  }

  @Test
  void aBrokerThatTakesNothingFailsTheChannel() throws Exception {
    RecordOutlet refusing =
        (_, _, _, _) -> CompletableFuture.failedFuture(new IllegalStateException("disk full"));
    try (KafkaTransport failing = transport(refusing, SETTINGS)) {
      Channel channel = failing.open(run, FIRST, PARTITIONS);
      assertThatThrownBy(() -> Frames.send(channel, EXPERT, Frames.key(FIRST, 1, 0, 0), 0, 20, 64))
          .isInstanceOf(ChannelException.class)
          .hasMessageContaining("disk full");
      assertThatThrownBy(() -> channel.receive(Frames.key(EXPERT, 1, 0, 0)))
          .isInstanceOf(ChannelException.class)
          .hasMessageContaining("disk full");
    }
  }

  private KafkaTransport transport(RecordOutlet outlet, KafkaSettings settings) {
    return new KafkaTransport(outlet, settings, buffers, refusals);
  }

  /** The expert's partition takes frames; those of its senders take credit. */
  private CompletionStage<Void> keep(String topic, int partition, byte[] key, byte[] value) {
    if (Credit.is(value)) {
      credits.add(value);
    } else {
      records.add(value);
    }
    return partition == 2 || Credit.is(value)
        ? CompletableFuture.completedFuture(null)
        : CompletableFuture.failedFuture(new AssertionError("frames for partition " + partition));
  }

  private List<byte[]> recordsOf(Channel from, FrameKey key, int tableSize, int rows, int columns)
      throws InterruptedException {
    records.clear();
    Frames.send(from, EXPERT, key, tableSize, rows, columns);
    return new ArrayList<>(records);
  }

  private void deliver(List<byte[]> values) throws InterruptedException {
    for (byte[] value : values) {
      transport.deliver(value);
    }
  }

  private static int count(List<?> list) {
    synchronized (list) {
      return list.size();
    }
  }
}
