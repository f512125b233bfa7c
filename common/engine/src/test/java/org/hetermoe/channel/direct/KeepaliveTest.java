package org.hetermoe.channel.direct;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.Frames;
import org.hetermoe.channel.PeerLostException;
import org.hetermoe.channel.Refusals;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two members whose packets get lost from some moment on, without an end of their connections. */
@Timeout(60)
class KeepaliveTest {
  private static final WorkerRank ATTENTION = WorkerRank.attention(0);
  private static final WorkerRank EXPERT = WorkerRank.expert(0);

  /** What is asked for. */
  private static final Duration NOTICE = Duration.ofSeconds(10);

  private final FrameBuffers buffers = new FrameBuffers();
  private final Refusals refusals = new Refusals();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private DirectTransport attentionSide;
  private DirectTransport expertSide;
  private CuttableWire toAttention;
  private CuttableWire toExpert;
  private Channel attention;
  private Channel expert;

  @BeforeEach
  void connect() throws Exception {
    DirectSettings settings = DirectSettings.loopback().withWindowBytes(1 << 20);
    attentionSide = new DirectTransport(settings, buffers, refusals);
    expertSide = new DirectTransport(settings, buffers, refusals);
    toAttention = new CuttableWire(attentionSide.address());
    toExpert = new CuttableWire(expertSide.address());
    RunKey run = new RunKey(UUID.randomUUID(), 1);
    attention = attentionSide.open(run, ATTENTION, Map.of(EXPERT, toExpert.address()));
    expert = expertSide.open(run, EXPERT, Map.of(ATTENTION, toAttention.address()));
    exchange(1);
  }

  @AfterEach
  void close() throws Exception {
    attention.abort("the test is over");
    expert.abort("the test is over");
    attention.close();
    expert.close();
    attentionSide.close();
    expertSide.close();
    toAttention.close();
    toExpert.close();
    threads.shutdownNow();
    await().untilAsserted(() -> assertThat(buffers.outstanding()).isZero());
    buffers.close();
  }

  @Test
  void bothNoticeWhileNothingIsSent() throws Exception {
    Future<?> waiting = threads.submit(() -> attention.receive(Frames.key(EXPERT, 2, 0, 0)));
    Future<?> other = threads.submit(() -> expert.receive(Frames.key(ATTENTION, 2, 0, 0)));

    long begin = cut();
    assertLost(waiting, EXPERT);
    assertLost(other, ATTENTION);
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(NOTICE);
    assertThatThrownBy(
            () -> Frames.send(attention, EXPERT, Frames.key(ATTENTION, 2, 0, 1), 0, 1, 1))
        .isInstanceOf(ChannelException.class)
        .hasMessageContaining("expert-0");
  }

  @Test
  void bothNoticeWhileOneSendsAndTheOtherComputes() throws Exception {
    AtomicInteger sent = new AtomicInteger();
    Future<?> sending =
        threads.submit(
            () -> {
              for (int i = 0; ; i++) {
                Frames.send(attention, EXPERT, Frames.key(ATTENTION, 2, 0, i), 0, 64, 1024);
                sent.incrementAndGet();
              }
            });
    await().until(() -> sent.get() > 4);

    long begin = cut();
    assertLost(sending, EXPERT);
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(NOTICE);
    assertThatThrownBy(() -> expert.receive(Frames.key(ATTENTION, 3, 0, 0)))
        .isInstanceOf(ChannelException.class)
        .hasMessageContaining("lost its connection to attention-0");
  }

  @Test
  void neitherALongSilenceNorAFullWindowIsTakenForALoss() throws Exception {
    int frames = 200;
    Future<?> sending =
        threads.submit(
            () -> {
              for (int i = 0; i < frames; i++) {
                Frames.send(attention, EXPERT, Frames.key(ATTENTION, 2, 0, i), 0, 64, 1024);
              }
              return null;
            });
    // The expert computes, and reads nothing; nor does it send.
    TimeUnit.SECONDS.sleep(12);
    assertThat(sending).isNotDone();

    for (int i = 0; i < frames; i++) {
      Frames.receive(expert, Frames.key(ATTENTION, 2, 0, i), 0, 64, 1024);
    }
    sending.get();
    exchange(3);
    assertThat(refusals.total()).isZero();
  }

  private void exchange(int step) throws InterruptedException {
    Frames.send(attention, EXPERT, Frames.key(ATTENTION, step, 0, 0), 1, 2, 3);
    Frames.receive(expert, Frames.key(ATTENTION, step, 0, 0), 1, 2, 3);
    Frames.send(expert, ATTENTION, Frames.key(EXPERT, step, 0, 0), 1, 2, 3);
    Frames.receive(attention, Frames.key(EXPERT, step, 0, 0), 1, 2, 3);
  }

  private long cut() {
    toAttention.cut();
    toExpert.cut();
    return System.nanoTime();
  }

  private static void assertLost(Future<?> future, WorkerRank peer) {
    assertThatThrownBy(() -> future.get(20, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOfSatisfying(
            PeerLostException.class, lost -> assertThat(lost.peer()).isEqualTo(peer))
        .hasMessageContaining("lost its connection to " + peer + ": it has given no sign of life");
  }
}
