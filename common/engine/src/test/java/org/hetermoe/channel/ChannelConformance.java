package org.hetermoe.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What every transport must do. A transport's test extends this and says how to open a group. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
public abstract class ChannelConformance {
  protected static final long WINDOW = 64L << 20;

  protected static final WorkerRank ATTENTION = WorkerRank.attention(0);
  protected static final WorkerRank EXPERT = WorkerRank.expert(0);
  protected static final List<WorkerRank> PAIR = List.of(ATTENTION, EXPERT);

  protected final FrameBuffers buffers = new FrameBuffers();
  protected final Refusals refusals = new Refusals();
  protected final ExecutorService threads = Executors.newCachedThreadPool();

  /** Opens the channels of all members. */
  protected abstract ChannelGroup open(RunKey run, Collection<WorkerRank> members, long windowBytes)
      throws Exception;

  /** How many unread bytes of one sender the transport may hold in memory at most. */
  protected long mostHeld(long windowBytes) {
    return windowBytes;
  }

  protected static RunKey newRun() {
    return new RunKey(UUID.randomUUID(), 1);
  }

  @AfterEach
  void allBuffersAreReturned() {
    threads.shutdownNow();
    await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(() -> assertThat(buffers.outstanding()).isZero());
    assertThat(buffers.outstandingBytes()).isZero();
    buffers.close();
  }

  @Test
  void framesAreReceivedByKeyInAnyOrder() throws Exception {
    try (ChannelGroup group = open(newRun(), PAIR, WINDOW)) {
      for (int step = 1; step <= 4; step++) {
        for (int layer = 0; layer < 3; layer++) {
          Frames.send(
              group.channel(ATTENTION), EXPERT, Frames.key(ATTENTION, step, layer, 0), 5, 3, 7);
        }
      }
      for (int layer = 2; layer >= 0; layer--) {
        for (int step = 4; step >= 1; step--) {
          Frames.receive(group.channel(EXPERT), Frames.key(ATTENTION, step, layer, 0), 5, 3, 7);
        }
      }
      assertThat(refusals.total()).isZero();
    }
  }

  @Test
  void emptyTensorsAndEmptyTablesTravel() throws Exception {
    try (ChannelGroup group = open(newRun(), PAIR, WINDOW)) {
      Channel sender = group.channel(ATTENTION);
      Frames.send(sender, EXPERT, Frames.key(ATTENTION, 1, 0, 0), 0, 0, 64);
      Frames.send(sender, EXPERT, Frames.key(ATTENTION, 1, 0, 1), 3, 0, 64);
      Frames.send(sender, EXPERT, Frames.key(ATTENTION, 1, 0, 2), 0, 1, 1);
      Channel receiver = group.channel(EXPERT);
      Frames.receive(receiver, Frames.key(ATTENTION, 1, 0, 1), 3, 0, 64);
      Frames.receive(receiver, Frames.key(ATTENTION, 1, 0, 0), 0, 0, 64);
      Frames.receive(receiver, Frames.key(ATTENTION, 1, 0, 2), 0, 1, 1);
    }
  }

  /**
   * An even and an odd number of elements, behind a table, and more than one record of a broker.
   */
  @ParameterizedTest
  @EnumSource(DType.class)
  void elementTypesAndShapesTravel(DType type) throws Exception {
    List<Shape> shapes = List.of(Shape.of(2, 3, 4, 5), Shape.of(7, 3), Shape.of(1201, 1023));
    try (ChannelGroup group = open(newRun(), PAIR, WINDOW)) {
      for (int piece = 0; piece < shapes.size(); piece++) {
        FrameKey key = new FrameKey(Phase.REDUCE, 9, new Subject.Piece(piece), EXPERT);
        Shape shape = shapes.get(piece);
        Frame sent = group.channel(EXPERT).newFrame(key, piece, type, shape);
        byte[] bytes = new byte[Math.toIntExact(shape.elements() * type.bytes())];
        new Random(piece).nextBytes(bytes);
        sent.data().copyFrom(MemorySegment.ofArray(bytes));
        group.channel(EXPERT).send(ATTENTION, sent);
        try (Frame frame = group.channel(ATTENTION).receive(key)) {
          assertThat(frame.dtype()).isEqualTo(type);
          assertThat(frame.shape()).isEqualTo(shape);
          assertThat(frame.data().mismatch(MemorySegment.ofArray(bytes))).isEqualTo(-1);
        }
      }
      assertThat(refusals.total()).isZero();
    }
  }

  @Test
  void closingASentFrameIsHarmlessAndUsingItAnError() throws Exception {
    try (ChannelGroup group = open(newRun(), PAIR, WINDOW)) {
      FrameKey key = Frames.key(ATTENTION, 1, 0, 0);
      Frame frame = Frames.filled(group.channel(ATTENTION), key, 4, 8, 16);
      group.channel(ATTENTION).send(EXPERT, frame);
      frame.close();
      assertThatThrownBy(frame::data).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> group.channel(ATTENTION).send(EXPERT, frame))
          .isInstanceOf(IllegalStateException.class);
      Frames.receive(group.channel(EXPERT), key, 4, 8, 16);
    }
  }

  @Test
  void aFrameOfTwentyMegabytesTravels() throws Exception {
    try (ChannelGroup group = open(newRun(), PAIR, WINDOW)) {
      FrameKey key = Frames.key(ATTENTION, 1, 0, 0);
      Frames.send(group.channel(ATTENTION), EXPERT, key, 1001, 5003, 1024);
      Frames.receive(group.channel(EXPERT), key, 1001, 5003, 1024);
    }
  }

  @Test
  void aFrameLargerThanTheWindowTravelsAlone() throws Exception {
    try (ChannelGroup group = open(newRun(), PAIR, 4096)) {
      FrameKey key = Frames.key(ATTENTION, 1, 0, 0);
      Frames.send(group.channel(ATTENTION), EXPERT, key, 1, 100, 1024);
      Frames.receive(group.channel(EXPERT), key, 1, 100, 1024);
    }
  }

  @Test
  void manyFramesTravelBothWaysBetweenTwoAndThreeWorkers() throws Exception {
    List<WorkerRank> attention = List.of(WorkerRank.attention(0), WorkerRank.attention(1));
    List<WorkerRank> experts =
        List.of(WorkerRank.expert(0), WorkerRank.expert(1), WorkerRank.expert(2));
    List<WorkerRank> all = new ArrayList<>(attention);
    all.addAll(experts);
    int steps = 5;
    int microBatches = 4;
    int layers = 3;
    try (ChannelGroup group = open(newRun(), all, WINDOW)) {
      List<Future<?>> workers = new ArrayList<>();
      for (WorkerRank self : attention) {
        workers.add(
            run(
                () -> {
                  Channel channel = group.channel(self);
                  for (int step = 1; step <= steps; step++) {
                    for (int layer = 0; layer < layers; layer++) {
                      for (int batch = 0; batch < microBatches; batch++) {
                        for (WorkerRank expert : experts) {
                          FrameKey key =
                              new FrameKey(
                                  Phase.DISPATCH, step, new Subject.MicroBatch(layer, batch), self);
                          Frames.send(channel, expert, key, 17, 9 + batch, 32);
                        }
                      }
                      for (int batch = 0; batch < microBatches; batch++) {
                        for (WorkerRank expert : experts) {
                          FrameKey key =
                              new FrameKey(
                                  Phase.COMBINE,
                                  step,
                                  new Subject.MicroBatch(layer, batch),
                                  expert);
                          Frames.receive(channel, key, 0, 9 + batch, 32);
                        }
                      }
                    }
                  }
                  return null;
                }));
      }
      for (WorkerRank self : experts) {
        workers.add(
            run(
                () -> {
                  Channel channel = group.channel(self);
                  for (int step = 1; step <= steps; step++) {
                    for (int layer = 0; layer < layers; layer++) {
                      for (int batch = 0; batch < microBatches; batch++) {
                        for (WorkerRank peer : attention) {
                          FrameKey key =
                              new FrameKey(
                                  Phase.DISPATCH, step, new Subject.MicroBatch(layer, batch), peer);
                          Frames.receive(channel, key, 17, 9 + batch, 32);
                        }
                        for (WorkerRank peer : attention) {
                          FrameKey key =
                              new FrameKey(
                                  Phase.COMBINE, step, new Subject.MicroBatch(layer, batch), self);
                          Frames.send(channel, peer, key, 0, 9 + batch, 32);
                        }
                      }
                    }
                  }
                  return null;
                }));
      }
      for (Future<?> worker : workers) {
        worker.get();
      }
      assertThat(refusals.total()).isZero();
      Channel.Traffic traffic = group.channel(attention.getFirst()).traffic();
      long frames = (long) steps * layers * microBatches * experts.size();
      assertThat(traffic.framesSent()).isEqualTo(frames);
      assertThat(traffic.framesReceived()).isEqualTo(frames);
      assertThat(traffic.bytesSent()).isGreaterThan(traffic.bytesReceived());
    }
  }

  @Test
  void aSlowReceiverHoldsUpTheSenderAndMemoryStaysBounded() throws Exception {
    long window = 1 << 20;
    int frames = 200;
    try (ChannelGroup group = open(newRun(), PAIR, window)) {
      AtomicInteger sent = new AtomicInteger();
      Future<?> sender =
          run(
              () -> {
                for (int i = 0; i < frames; i++) {
                  Frames.send(
                      group.channel(ATTENTION),
                      EXPERT,
                      Frames.key(ATTENTION, 1, 0, i),
                      0,
                      64,
                      1024);
                  sent.incrementAndGet();
                }
                return null;
              });
      awaitStandstill(sent, sender);
      // One frame more may be in the hands of each thread on the way.
      assertThat(buffers.outstandingBytes()).isLessThanOrEqualTo(mostHeld(window) + (2 << 20));
      assertThat(sent).hasValueLessThan(frames);
      assertThat(sender).isNotDone();
      for (int i = 0; i < frames; i++) {
        Frames.receive(group.channel(EXPERT), Frames.key(ATTENTION, 1, 0, i), 0, 64, 1024);
      }
      sender.get();
      assertThat(refusals.total()).isZero();
    }
  }

  @Test
  void theFrameWaitedForGetsThroughAFullWindow() throws Exception {
    try (ChannelGroup group = open(newRun(), PAIR, 64 << 10)) {
      Future<?> sender =
          run(
              () -> {
                for (int i = 0; i < 40; i++) {
                  Frames.send(
                      group.channel(ATTENTION),
                      EXPERT,
                      Frames.key(ATTENTION, 1, 0, i),
                      0,
                      16,
                      1024);
                }
                return null;
              });
      for (int i = 39; i >= 0; i--) {
        Frames.receive(group.channel(EXPERT), Frames.key(ATTENTION, 1, 0, i), 0, 16, 1024);
      }
      sender.get();
    }
  }

  @Test
  void twoThatSendToEachOtherBeforeTheyReadDoNotWaitForEver() throws Exception {
    int frames = 100;
    try (ChannelGroup group = open(newRun(), PAIR, 64 << 10)) {
      List<Future<?>> workers = new ArrayList<>();
      for (WorkerRank self : PAIR) {
        WorkerRank other = self.equals(ATTENTION) ? EXPERT : ATTENTION;
        workers.add(
            run(
                () -> {
                  Channel channel = group.channel(self);
                  for (int i = 0; i < frames; i++) {
                    Frames.send(channel, other, Frames.key(self, 1, 0, i), 0, 16, 1024);
                  }
                  for (int i = 0; i < frames; i++) {
                    Frames.receive(channel, Frames.key(other, 1, 0, i), 0, 16, 1024);
                  }
                  return null;
                }));
      }
      for (Future<?> worker : workers) {
        worker.get();
      }
    }
  }

  @Test
  void anyTwoWorkersReachEachOtherWhateverTheirRoles() throws Exception {
    List<WorkerRank> all =
        List.of(
            WorkerRank.attention(0),
            WorkerRank.attention(1),
            WorkerRank.expert(0),
            WorkerRank.expert(1));
    try (ChannelGroup group = open(newRun(), all, WINDOW)) {
      for (WorkerRank sender : all) {
        for (WorkerRank receiver : all) {
          if (!sender.equals(receiver)) {
            FrameKey key =
                new FrameKey(
                    Phase.EXPERT_STATE,
                    1,
                    new Subject.ExpertPiece(2, all.indexOf(receiver), 0),
                    sender);
            Frames.send(group.channel(sender), receiver, key, 0, 3, 7);
          }
        }
      }
      for (WorkerRank receiver : all) {
        for (WorkerRank sender : all) {
          if (!sender.equals(receiver)) {
            FrameKey key =
                new FrameKey(
                    Phase.EXPERT_STATE,
                    1,
                    new Subject.ExpertPiece(2, all.indexOf(receiver), 0),
                    sender);
            Frames.receive(group.channel(receiver), key, 0, 3, 7);
          }
        }
      }
      assertThat(refusals.total()).isZero();
    }
  }

  @Test
  void onceWarmNoFrameAllocates() throws Exception {
    try (ChannelGroup group = open(newRun(), PAIR, WINDOW)) {
      long warm = 0;
      for (int i = 0; i < 60; i++) {
        if (i == 20) {
          warm = buffers.allocations();
        }
        Frames.send(group.channel(ATTENTION), EXPERT, Frames.key(ATTENTION, 1, 0, i), 4, 32, 64);
        Frames.receive(group.channel(EXPERT), Frames.key(ATTENTION, 1, 0, i), 4, 32, 64);
      }
      // The sending thread gives its buffer back at its leisure: one more may be needed once.
      assertThat(buffers.allocations()).isLessThanOrEqualTo(warm + 2);
    }
  }

  @Test
  void abortWakesThoseWhoReceiveAndFailsWhatFollows() throws Exception {
    try (ChannelGroup group = open(newRun(), PAIR, WINDOW)) {
      Channel channel = group.channel(EXPERT);
      Future<?> waiting = run(() -> channel.receive(Frames.key(ATTENTION, 1, 0, 0)));
      await().during(Duration.ofMillis(50)).until(() -> !waiting.isDone());
      channel.abort("the coordinator said so");
      assertFails(waiting, "the coordinator said so");
      FrameKey key = Frames.key(EXPERT, 1, 0, 0);
      assertThatThrownBy(() -> Frames.send(channel, ATTENTION, key, 0, 1, 1))
          .isInstanceOf(ChannelException.class)
          .hasMessageContaining("the coordinator said so");
      assertThatThrownBy(() -> channel.receive(Frames.key(ATTENTION, 1, 0, 1)))
          .isInstanceOf(ChannelException.class)
          .hasMessageContaining("the coordinator said so");
    }
  }

  @Test
  void abortWakesThoseWhoSend() throws Exception {
    try (ChannelGroup group = open(newRun(), PAIR, 1 << 20)) {
      Channel channel = group.channel(ATTENTION);
      AtomicInteger sent = new AtomicInteger();
      Future<?> sender =
          run(
              () -> {
                for (int i = 0; ; i++) {
                  Frames.send(channel, EXPERT, Frames.key(ATTENTION, 1, 0, i), 0, 64, 1024);
                  sent.incrementAndGet();
                }
              });
      await()
          .atMost(Duration.ofSeconds(20))
          .until(
              () -> {
                awaitStandstill(sent, sender);
                return sent.get() > 0;
              });
      assertThat(sent).hasValueLessThan(200);
      channel.abort("enough");
      assertFails(sender, "enough");
    }
  }

  @Test
  void aKeyThatComesTwiceIsRefusedAndTheFirstOneKept() throws Exception {
    try (ChannelGroup group = open(newRun(), PAIR, WINDOW)) {
      Channel sender = group.channel(ATTENTION);
      FrameKey twice = Frames.key(ATTENTION, 3, 0, 0);
      Frames.send(sender, EXPERT, twice, 2, 4, 8);
      Frames.send(sender, EXPERT, twice, 0, 1, 1);
      await().untilAsserted(() -> assertThat(refusals.count(Refusal.DUPLICATE)).isEqualTo(1));
      Frames.receive(group.channel(EXPERT), twice, 2, 4, 8);
      Frames.send(sender, EXPERT, twice, 0, 1, 1);
      await().untilAsserted(() -> assertThat(refusals.count(Refusal.DUPLICATE)).isEqualTo(2));
      FrameKey next = Frames.key(ATTENTION, 3, 0, 1);
      Frames.send(sender, EXPERT, next, 2, 4, 8);
      Frames.receive(group.channel(EXPERT), next, 2, 4, 8);
    }
  }

  @Test
  void aFrameOfAStepLongPastIsRefused() throws Exception {
    try (ChannelGroup group = open(newRun(), PAIR, WINDOW)) {
      Channel sender = group.channel(ATTENTION);
      Frames.send(sender, EXPERT, Frames.key(ATTENTION, 100, 0, 0), 0, 1, 1);
      Frames.receive(group.channel(EXPERT), Frames.key(ATTENTION, 100, 0, 0), 0, 1, 1);
      Frames.send(sender, EXPERT, Frames.key(ATTENTION, 50, 0, 0), 0, 1, 1);
      await().untilAsserted(() -> assertThat(refusals.count(Refusal.STALE)).isEqualTo(1));
    }
  }

  @Test
  void whatWasSentBeforeTheCloseArrives() throws Exception {
    try (ChannelGroup group = open(newRun(), PAIR, WINDOW)) {
      FrameKey last = Frames.key(ATTENTION, 1, 0, 0);
      Frames.send(group.channel(ATTENTION), EXPERT, last, 3, 500, 1024);
      group.channel(ATTENTION).close();
      Frames.receive(group.channel(EXPERT), last, 3, 500, 1024);
    }
  }

  @Test
  void framesThatNobodyReceivedAreFreedByTheClose() throws Exception {
    try (ChannelGroup group = open(newRun(), PAIR, WINDOW)) {
      for (int i = 0; i < 10; i++) {
        Frames.send(group.channel(ATTENTION), EXPERT, Frames.key(ATTENTION, 1, 0, i), 0, 10, 10);
      }
      group.channel(EXPERT).abort("over");
    }
  }

  @Test
  void mistakesOfTheCallerAreToldApart() throws Exception {
    try (ChannelGroup group = open(newRun(), PAIR, WINDOW)) {
      Channel channel = group.channel(ATTENTION);
      FrameKey foreign = Frames.key(EXPERT, 1, 0, 0);
      assertThatThrownBy(() -> channel.newFrame(foreign, 0, DType.F32, Shape.of(1, 1)))
          .isInstanceOf(IllegalArgumentException.class);
      FrameKey own = Frames.key(ATTENTION, 1, 0, 0);
      assertThatThrownBy(() -> Frames.send(channel, WorkerRank.expert(7), own, 0, 1, 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expert-7");
      assertThatThrownBy(() -> channel.newFrame(own, 0, DType.F32, Shape.of(1 << 20, 1 << 20)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  /** Waits until a worker has gone no further for two seconds, or is done. */
  private static void awaitStandstill(AtomicInteger count, Future<?> worker)
      throws InterruptedException {
    int before = -1;
    while (count.get() != before && !worker.isDone()) {
      before = count.get();
      for (int i = 0; i < 20 && count.get() == before && !worker.isDone(); i++) {
        TimeUnit.MILLISECONDS.sleep(100);
      }
    }
  }

  protected Future<?> run(Callable<?> body) {
    return threads.submit(body);
  }

  protected static void assertFails(Future<?> future, String message) {
    assertThatThrownBy(() -> future.get(10, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOf(ChannelException.class)
        .hasMessageContaining(message);
  }
}
