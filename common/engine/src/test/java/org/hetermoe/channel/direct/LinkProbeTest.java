package org.hetermoe.channel.direct;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.FrameHeader;
import org.hetermoe.channel.Frames;
import org.hetermoe.channel.Refusal;
import org.hetermoe.channel.Refusals;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LinkProbeTest {
  private static final WorkerRank ATTENTION = WorkerRank.attention(0);
  private static final WorkerRank EXPERT = WorkerRank.expert(0);

  private final FrameBuffers buffers = new FrameBuffers();
  private final Refusals refusals = new Refusals();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private DirectTransport here;
  private DirectTransport there;

  @BeforeEach
  void listen() throws IOException {
    here = new DirectTransport(DirectSettings.loopback(), buffers, refusals);
    there = new DirectTransport(DirectSettings.loopback(), buffers, refusals);
  }

  @AfterEach
  void close() {
    here.close();
    there.close();
    threads.shutdownNow();
    buffers.close();
  }

  @Test
  void measuresBothDirectionsWhileNoAttemptIsPrepared() throws Exception {
    long start = System.nanoTime();
    MeasuredLink link = here.probe(there.address()).orElseThrow();

    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(LinkProbe.TIME_LIMIT);
    assertThat(link.latencySeconds()).isBetween(1e-7, 0.1);
    assertThat(link.bytesPerSecondOut()).isBetween(1e7, 1e12);
    assertThat(link.bytesPerSecondIn()).isBetween(1e7, 1e12);
    // The other end ends its part when it sees that this one has hung up.
    await("the way back, afterwards")
        .untilAsserted(() -> assertThat(there.probe(here.address())).isPresent());
    assertThat(refusals.total()).isZero();
  }

  @Test
  void seesThatALinkIsSlow() throws Exception {
    try (SlowLink slow = new SlowLink(there.address(), 64 << 10, 5)) {
      MeasuredLink link = here.probe(slow.address()).orElseThrow();

      // 64 KiB every 5 ms or more: 13 MB/s at best.
      assertThat(link.bytesPerSecondOut()).isBetween(1e5, 16e6);
      assertThat(link.bytesPerSecondIn()).isBetween(1e5, 16e6);
      assertThat(link.latencySeconds()).isGreaterThan(4e-3);
    }
  }

  @Test
  void doesNotMeasureWhileEitherEndServesARun() throws Exception {
    try (Channel _ = there.open(newRun(), EXPERT, Map.of())) {
      assertThat(here.probe(there.address())).isEmpty();
      assertThat(there.probe(here.address())).isEmpty();
    }
    assertThat(here.probe(there.address())).as("afterwards").isPresent();
    assertThat(refusals.total()).as("nothing was wrong with it").isZero();
  }

  @Test
  void aRunEndsAMeasurement() throws Exception {
    RunKey run = newRun();
    try (SlowLink slow = new SlowLink(there.address(), 1, 20)) {
      Future<Optional<MeasuredLink>> measuring = threads.submit(() -> here.probe(slow.address()));
      await().until(() -> there.probe(here.address()).isEmpty());
      Map<WorkerRank, InetSocketAddress> peers =
          Map.of(ATTENTION, here.address(), EXPERT, there.address());
      try (Channel attention = here.open(run, ATTENTION, peers);
          Channel expert = there.open(run, EXPERT, peers)) {
        assertThat(measuring.get(2, TimeUnit.SECONDS)).isEmpty();
        Frames.send(attention, EXPERT, Frames.key(ATTENTION, 1, 0, 0), 1, 2, 3);
        Frames.receive(expert, Frames.key(ATTENTION, 1, 0, 0), 1, 2, 3);
      }
    }
  }

  @Test
  void ordersThatCannotBeAreRefusedAndHoldNothingUp() throws Exception {
    for (int[] order : new int[][] {{-1, 1}, {0, 0}, {Integer.MAX_VALUE, 1}, {0, 2 << 20}}) {
      try (SocketChannel wire = begun()) {
        wire.write(
            ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(order[0])
                .putInt(order[1])
                .flip());
        assertThat(wire.read(ByteBuffer.allocate(1))).isEqualTo(-1);
      }
    }
    assertThat(refusals.count(Refusal.SIZE_MISMATCH)).isEqualTo(4);
    ByteBuffer unknown = Handshake.encodeProbe().order(ByteOrder.LITTLE_ENDIAN);
    unknown.putShort(6, (short) 7);
    unknown.putInt(36, FrameHeader.checksum(unknown.slice(0, 36)));
    try (SocketChannel wire = dial()) {
      wire.write(unknown);
      ByteBuffer answer = ByteBuffer.allocate(Handshake.ANSWER_BYTES);
      assertThat(Sockets.readFully(wire, answer)).isTrue();
      assertThat(Handshake.objection(answer.flip())).hasValue("refused: bad_version");
    }
    await().untilAsserted(() -> assertThat(here.probe(there.address())).isPresent());
  }

  @Test
  void whoBeginsAndSaysNothingIsNotWaitedForForEver() throws Exception {
    try (SocketChannel silent = begun()) {
      assertThat(here.probe(there.address())).as("one at a time").isEmpty();
      assertThat(silent.read(ByteBuffer.allocate(1))).isEqualTo(-1);
    }
    await().untilAsserted(() -> assertThat(here.probe(there.address())).isPresent());
  }

  @Test
  void aPeerThatIsNoWorkerIsNamed() throws Exception {
    try (ServerSocket web = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Future<?> _ =
          threads.submit(
              () -> {
                try (Socket client = web.accept()) {
                  client
                      .getOutputStream()
                      .write(
                          "HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                  return client.getInputStream().readAllBytes();
                }
              });
      assertThatThrownBy(() -> here.probe((InetSocketAddress) web.getLocalSocketAddress()))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("what answers there is not HeterMoE");
      assertThatThrownBy(() -> here.probe((InetSocketAddress) silent.getLocalSocketAddress()))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("too slow to answer");
    }
    there.close();
    assertThatThrownBy(() -> here.probe(there.address()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("cannot connect to");
  }

  /** A connection that has been let in as a probe. */
  private SocketChannel begun() throws IOException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
    while (true) {
      SocketChannel wire = dial();
      wire.write(Handshake.encodeProbe());
      ByteBuffer answer = ByteBuffer.allocate(Handshake.ANSWER_BYTES);
      assertThat(Sockets.readFully(wire, answer)).isTrue();
      if (Handshake.objection(answer.flip()).isEmpty()) {
        return wire;
      }
      // The one before has not been given up yet.
      wire.close();
      assertThat(System.nanoTime()).isLessThan(deadline);
    }
  }

  private SocketChannel dial() throws IOException {
    return SocketChannel.open(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), there.address().getPort()));
  }

  private static RunKey newRun() {
    return new RunKey(UUID.randomUUID(), 1);
  }

  /** Passes on so many bytes at a time at most, in either direction, and pauses before each. */
  private final class SlowLink implements AutoCloseable {
    private final ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    private final InetSocketAddress target;
    private final int bytes;
    private final long pauseMillis;

    SlowLink(InetSocketAddress target, int bytes, long pauseMillis) throws IOException {
      this.target = target;
      this.bytes = bytes;
      this.pauseMillis = pauseMillis;
      Future<?> _ = threads.submit(this::serve);
    }

    InetSocketAddress address() {
      return (InetSocketAddress) server.getLocalSocketAddress();
    }

    private Void serve() throws Exception {
      try (Socket client = server.accept();
          Socket peer = new Socket(target.getHostString(), target.getPort())) {
        client.setTcpNoDelay(true);
        peer.setTcpNoDelay(true);
        Future<Void> back = threads.submit(() -> pass(peer, client));
        pass(client, peer);
        back.get();
      }
      return null;
    }

    private Void pass(Socket from, Socket to) throws Exception {
      try (from;
          to) {
        byte[] content = new byte[bytes];
        for (int read = from.getInputStream().read(content);
            read > 0;
            read = from.getInputStream().read(content)) {
          Thread.sleep(pauseMillis);
          to.getOutputStream().write(content, 0, read);
        }
      }
      return null;
    }

    @Override
    public void close() throws IOException {
      server.close();
    }
  }
}
