package org.hetermoe.channel.direct;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.channel.ChannelGroup;
import org.hetermoe.channel.FrameKey;
import org.hetermoe.channel.Frames;
import org.hetermoe.channel.PooledFrame;
import org.hetermoe.channel.Refusal;
import org.hetermoe.channel.WireConformance;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;
import org.junit.jupiter.api.Test;

class DirectChannelTest extends WireConformance {
  /** Parked connections are refused soon, so that the tests need not wait. */
  private static final DirectSettings SETTINGS =
      DirectSettings.loopback()
          .withTimeouts(Duration.ofSeconds(1), Duration.ofMillis(300), Duration.ofSeconds(5));

  @Override
  protected long mostHeld(long windowBytes) {
    return 2 * windowBytes;
  }

  @Override
  protected ProcessGroup open(RunKey run, Collection<WorkerRank> members, long windowBytes)
      throws IOException {
    return new ProcessGroup(run, members, SETTINGS.withWindowBytes(windowBytes));
  }

  @Override
  protected void sendFromOutside(ChannelGroup group, RunKey run, FrameKey key, WorkerRank receiver)
      throws Exception {
    InetSocketAddress address = ((ProcessGroup) group).address(EXPERT);
    try (DirectTransport outside = new DirectTransport(SETTINGS, buffers, refusals)) {
      Channel channel = outside.open(run, key.sender(), Map.of(receiver, address));
      Frames.send(channel, receiver, key, 1, 1, 1);
      assertThatThrownBy(() -> channel.receive(Frames.key(receiver, 1, 0, 0)))
          .isInstanceOf(ChannelException.class)
          .hasMessageContaining("refused");
    }
  }

  @Test
  void membersOfOneProcessShareItsServerSocket() throws Exception {
    RunKey run = newRun();
    try (DirectTransport transport = new DirectTransport(SETTINGS, buffers, refusals)) {
      Map<WorkerRank, InetSocketAddress> peers =
          Map.of(ATTENTION, transport.address(), EXPERT, transport.address());
      try (Channel attention = transport.open(run, ATTENTION, peers);
          Channel expert = transport.open(run, EXPERT, peers)) {
        Frames.send(attention, EXPERT, Frames.key(ATTENTION, 1, 0, 0), 1, 2, 3);
        Frames.receive(expert, Frames.key(ATTENTION, 1, 0, 0), 1, 2, 3);
        assertThatThrownBy(() -> transport.open(run, EXPERT, peers))
            .isInstanceOf(IllegalStateException.class);
      }
    }
  }

  @Test
  void theNextAttemptMayBeOpenedBesideThePresentOne() throws Exception {
    RunKey first = newRun();
    RunKey second = new RunKey(first.run(), 2);
    try (DirectTransport transport = new DirectTransport(SETTINGS, buffers, refusals)) {
      Map<WorkerRank, InetSocketAddress> peers =
          Map.of(ATTENTION, transport.address(), EXPERT, transport.address());
      try (Channel attention1 = transport.open(first, ATTENTION, peers);
          Channel expert1 = transport.open(first, EXPERT, peers)) {
        Frames.send(attention1, EXPERT, Frames.key(ATTENTION, 1, 0, 0), 1, 2, 3);
        Frames.receive(expert1, Frames.key(ATTENTION, 1, 0, 0), 1, 2, 3);
        try (Channel attention2 = transport.open(second, ATTENTION, peers);
            Channel expert2 = transport.open(second, EXPERT, peers)) {
          Frames.send(attention2, EXPERT, Frames.key(ATTENTION, 1, 0, 0), 1, 4, 5);
          Frames.receive(expert2, Frames.key(ATTENTION, 1, 0, 0), 1, 4, 5);
        }
      }
    }
  }

  @Test
  void aPeerThatOpensLateIsWaitedFor() throws Exception {
    RunKey run = newRun();
    try (DirectTransport transport = new DirectTransport(SETTINGS, buffers, refusals)) {
      Map<WorkerRank, InetSocketAddress> peers =
          Map.of(ATTENTION, transport.address(), EXPERT, transport.address());
      try (Channel attention = transport.open(run, ATTENTION, peers)) {
        Frames.send(attention, EXPERT, Frames.key(ATTENTION, 1, 0, 0), 1, 2, 3);
        Thread.sleep(300);
        try (Channel expert = transport.open(run, EXPERT, peers)) {
          Frames.receive(expert, Frames.key(ATTENTION, 1, 0, 0), 1, 2, 3);
        }
      }
      assertThat(refusals.total()).isZero();
    }
  }

  @Test
  void aPeerThatIsNotThereIsNamed() throws Exception {
    InetSocketAddress nobody;
    try (DirectTransport gone = new DirectTransport(SETTINGS, buffers, refusals)) {
      nobody = gone.address();
    }
    try (DirectTransport transport = new DirectTransport(SETTINGS, buffers, refusals);
        Channel channel = transport.open(newRun(), ATTENTION, Map.of(EXPERT, nobody))) {
      assertThatThrownBy(() -> channel.receive(Frames.key(EXPERT, 1, 0, 0)))
          .isInstanceOf(ChannelException.class)
          .hasMessageContaining("expert-0");
      await()
          .untilAsserted(
              () ->
                  assertThatThrownBy(
                          () ->
                              Frames.send(channel, EXPERT, Frames.key(ATTENTION, 1, 0, 0), 0, 1, 1))
                      .isInstanceOf(ChannelException.class)
                      .hasMessageContaining("expert-0"));
    }
  }

  @Test
  void aLostPeerFailsThoseWhoWaitForItAndThoseWhoSendToIt() throws Exception {
    try (ProcessGroup group = open(newRun(), PAIR, WINDOW)) {
      FrameKey arrived = Frames.key(ATTENTION, 1, 0, 0);
      Frames.send(group.channel(ATTENTION), EXPERT, arrived, 1, 2, 3);
      Frames.send(group.channel(EXPERT), ATTENTION, Frames.key(EXPERT, 1, 0, 0), 1, 2, 3);
      Frames.receive(group.channel(ATTENTION), Frames.key(EXPERT, 1, 0, 0), 1, 2, 3);
      Future<?> waiting = run(() -> group.channel(EXPERT).receive(Frames.key(ATTENTION, 1, 0, 1)));
      await().during(Duration.ofMillis(100)).until(() -> !waiting.isDone());

      group.stopProcessOf(ATTENTION);

      assertFails(waiting, "lost its connection to attention-0");
      Frames.receive(group.channel(EXPERT), arrived, 1, 2, 3);
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 1000; i++) {
                  Frames.send(
                      group.channel(EXPERT), ATTENTION, Frames.key(EXPERT, 2, 0, i), 0, 64, 64);
                  Thread.sleep(1);
                }
              })
          .isInstanceOf(ChannelException.class)
          .hasMessageContaining("attention-0");
    }
  }

  @Test
  void roguesDoNotDisturbARun() throws Exception {
    try (ProcessGroup group = open(newRun(), PAIR, WINDOW)) {
      Frames.send(group.channel(ATTENTION), EXPERT, Frames.key(ATTENTION, 1, 0, 0), 1, 2, 3);
      Frames.receive(group.channel(EXPERT), Frames.key(ATTENTION, 1, 0, 0), 1, 2, 3);
      byte[] noise = new byte[100_000];
      new Random(7).nextBytes(noise);
      try (SocketChannel silent = dial(group);
          SocketChannel half = dial(group);
          SocketChannel garbage = dial(group);
          SocketChannel web = dial(group)) {
        half.write(handshake(group, WorkerRank.attention(3)).limit(17));
        try (SocketChannel hasty = dial(group)) {
          hasty.write(handshake(group, WorkerRank.attention(3)).limit(17));
        }
        writeUntilClosed(garbage, ByteBuffer.wrap(noise));
        web.write(
            ByteBuffer.wrap(
                "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"
                    .getBytes(StandardCharsets.US_ASCII)));
        for (int i = 1; i < 50; i++) {
          Frames.send(group.channel(ATTENTION), EXPERT, Frames.key(ATTENTION, 1, 0, i), 1, 2, 3);
          Frames.receive(group.channel(EXPERT), Frames.key(ATTENTION, 1, 0, i), 1, 2, 3);
        }
        await()
            .untilAsserted(
                () -> {
                  assertThat(refusals.count(Refusal.TIMEOUT)).isEqualTo(2);
                  assertThat(refusals.count(Refusal.TRUNCATED)).isEqualTo(1);
                  assertThat(refusals.count(Refusal.BAD_MAGIC)).isEqualTo(2);
                });
        assertThat(silent.read(ByteBuffer.allocate(8))).isEqualTo(-1);
      }
      Frames.send(group.channel(ATTENTION), EXPERT, Frames.key(ATTENTION, 2, 0, 0), 1, 2, 3);
      Frames.receive(group.channel(EXPERT), Frames.key(ATTENTION, 2, 0, 0), 1, 2, 3);
    }
  }

  @Test
  void aSecondConnectionInAPeersNameIsRefused() throws Exception {
    try (ProcessGroup group = open(newRun(), PAIR, WINDOW)) {
      Frames.send(group.channel(ATTENTION), EXPERT, Frames.key(ATTENTION, 1, 0, 0), 1, 2, 3);
      Frames.receive(group.channel(EXPERT), Frames.key(ATTENTION, 1, 0, 0), 1, 2, 3);
      try (SocketChannel impostor = dial(group)) {
        assertThat(shakeHands(impostor, group, ATTENTION)).hasValue("refused: duplicate");
      }
      assertThat(refusals.count(Refusal.DUPLICATE)).isEqualTo(1);
      Frames.send(group.channel(ATTENTION), EXPERT, Frames.key(ATTENTION, 1, 0, 1), 1, 2, 3);
      Frames.receive(group.channel(EXPERT), Frames.key(ATTENTION, 1, 0, 1), 1, 2, 3);
    }
  }

  @Test
  void unfitFramesOnAGoodConnectionAreSkipped() throws Exception {
    RunKey run = newRun();
    try (DirectTransport transport =
            new DirectTransport(SETTINGS.withMaxPayloadBytes(4096), buffers, refusals);
        Channel expert = transport.open(run, EXPERT, Map.of(ATTENTION, transport.address()));
        SocketChannel wire = SocketChannel.open(reach(transport))) {
      greet(wire, run);
      write(wire, new RunKey(UUID.randomUUID(), 1), Frames.key(ATTENTION, 1, 0, 0), EXPERT, 10);
      write(wire, new RunKey(run.run(), 7), Frames.key(ATTENTION, 1, 0, 0), EXPERT, 10);
      write(wire, run, Frames.key(WorkerRank.attention(1), 1, 0, 0), EXPERT, 10);
      write(wire, run, Frames.key(ATTENTION, 1, 0, 0), WorkerRank.expert(1), 10);
      write(wire, run, Frames.key(ATTENTION, 1, 0, 0), EXPERT, 100_000);
      write(wire, run, Frames.key(ATTENTION, 1, 0, 0), EXPERT, 10);
      expert.receive(Frames.key(ATTENTION, 1, 0, 0)).close();
      for (Refusal reason :
          new Refusal[] {
            Refusal.OTHER_RUN,
            Refusal.OTHER_ATTEMPT,
            Refusal.UNKNOWN_SENDER,
            Refusal.WRONG_RECEIVER,
            Refusal.TOO_LARGE
          }) {
        assertThat(refusals.count(reason)).as(reason.label()).isEqualTo(1);
      }
      assertThat(refusals.total()).isEqualTo(5);
    }
  }

  @Test
  void aDamagedPayloadFailsTheConnectionInsteadOfBeingWaitedFor() throws Exception {
    RunKey run = newRun();
    try (DirectTransport transport = new DirectTransport(SETTINGS, buffers, refusals);
        Channel expert = transport.open(run, EXPERT, Map.of(ATTENTION, transport.address()));
        SocketChannel wire = SocketChannel.open(reach(transport))) {
      greet(wire, run);
      FrameKey key = Frames.key(ATTENTION, 1, 0, 0);
      try (PooledFrame frame = PooledFrame.allocate(buffers, key, 0, DType.F32, Shape.of(10, 10))) {
        frame.seal(run, EXPERT);
        ByteBuffer image = frame.image();
        image.put(200, (byte) ~image.get(200));
        wire.write(image);
      }
      assertThatThrownBy(() -> expert.receive(key))
          .isInstanceOf(ChannelException.class)
          .hasMessageContaining("attention-0")
          .hasMessageContaining("damaged");
      assertThat(refusals.count(Refusal.BAD_CHECKSUM)).isEqualTo(1);
    }
  }

  @Test
  void aConnectionOutOfStepIsClosed() throws Exception {
    RunKey run = newRun();
    try (DirectTransport transport = new DirectTransport(SETTINGS, buffers, refusals);
        Channel expert = transport.open(run, EXPERT, Map.of(ATTENTION, transport.address()));
        SocketChannel wire = SocketChannel.open(reach(transport))) {
      greet(wire, run);
      wire.write(ByteBuffer.allocate(128));
      assertThatThrownBy(() -> expert.receive(Frames.key(ATTENTION, 1, 0, 0)))
          .isInstanceOf(ChannelException.class)
          .hasMessageContaining("attention-0");
      ByteBuffer keepalives = ByteBuffer.allocate(64);
      while (wire.read(keepalives) >= 0) {
        assertThat(keepalives.position()).isLessThan(60);
      }
      assertThat(refusals.count(Refusal.BAD_MAGIC)).isEqualTo(1);
    }
  }

  @Test
  void anErrorAtOneConnectionDoesNotKeepTheNextOnesOut() throws Exception {
    AtomicInteger scarce = new AtomicInteger(2);
    RunKey run = newRun();
    try (DirectTransport sender = new DirectTransport(SETTINGS, buffers, refusals);
        DirectTransport receiver =
            new DirectTransport(
                SETTINGS, buffers, refusals, new Sockets(SETTINGS), runs -> thread(scarce, runs))) {
      Map<WorkerRank, InetSocketAddress> peers =
          Map.of(ATTENTION, sender.address(), EXPERT, receiver.address());
      try (Channel attention = sender.open(run, ATTENTION, peers);
          Channel expert = receiver.open(run, EXPERT, peers)) {
        Frames.send(attention, EXPERT, Frames.key(ATTENTION, 1, 0, 0), 1, 2, 3);
        Frames.receive(expert, Frames.key(ATTENTION, 1, 0, 0), 1, 2, 3);
        assertThat(scarce).hasNegativeValue();
      }
    }
  }

  @Test
  void aTransportThatCannotBeReachedAnyMoreSaysSo() throws Exception {
    List<ServerSocketChannel> servers = new ArrayList<>();
    Sockets sockets =
        new Sockets(SETTINGS) {
          @Override
          ServerSocketChannel listen() throws IOException {
            servers.add(super.listen());
            return servers.getLast();
          }
        };
    try (DirectTransport transport =
        new DirectTransport(SETTINGS, buffers, refusals, sockets, Thread::new)) {
      assertThat(transport.accepts()).isTrue();
      servers.getFirst().close();
      await().until(() -> !transport.accepts());
    }
  }

  /** A thread that, as where the system has no more of them, may not start. */
  private static Thread thread(AtomicInteger scarce, Runnable runs) {
    return new Thread(runs) {
      @Override
      public void start() {
        if (scarce.getAndDecrement() > 0) {
          throw new OutOfMemoryError("unable to create native thread");
        }
        super.start();
      }
    };
  }

  @Test
  void anAddressInUseIsNamed() throws Exception {
    try (DirectTransport transport = new DirectTransport(SETTINGS, buffers, refusals)) {
      int port = transport.address().getPort();
      assertThatThrownBy(
              () ->
                  new DirectTransport(
                      DirectSettings.on("127.0.0.1", port, "127.0.0.1"), buffers, refusals))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("127.0.0.1:" + port);
    }
  }

  private void greet(SocketChannel wire, RunKey run) throws IOException {
    wire.write(new Handshake(run, ATTENTION, EXPERT).encode());
    ByteBuffer answer = ByteBuffer.allocate(Handshake.ANSWER_BYTES);
    assertThat(Sockets.readFully(wire, answer)).isTrue();
    assertThat(Handshake.objection(answer.flip())).isEmpty();
  }

  private void write(SocketChannel wire, RunKey run, FrameKey key, WorkerRank receiver, int rows)
      throws IOException {
    try (PooledFrame frame = PooledFrame.allocate(buffers, key, 0, DType.F32, Shape.of(rows, 10))) {
      frame.seal(run, receiver);
      ByteBuffer image = frame.image();
      while (image.hasRemaining()) {
        wire.write(image);
      }
    }
  }

  private static SocketChannel dial(ProcessGroup group) throws IOException {
    return SocketChannel.open(reach(group.processes.get(EXPERT)));
  }

  private static InetSocketAddress reach(DirectTransport transport) {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), transport.address().getPort());
  }

  private static ByteBuffer handshake(ProcessGroup group, WorkerRank sender) {
    return new Handshake(group.run, sender, EXPERT).encode();
  }

  private static Optional<String> shakeHands(
      SocketChannel wire, ProcessGroup group, WorkerRank sender) throws IOException {
    wire.write(handshake(group, sender));
    ByteBuffer answer = ByteBuffer.allocate(Handshake.ANSWER_BYTES);
    Sockets.readFully(wire, answer);
    return Handshake.objection(answer.flip());
  }

  private static void writeUntilClosed(SocketChannel wire, ByteBuffer bytes) {
    try {
      while (bytes.hasRemaining()) {
        wire.write(bytes);
      }
    } catch (IOException e) {
      assertThat(e).hasMessageMatching(".*(reset|pipe).*");
    }
  }

  /** Members with a transport each, as if each were a process. */
  final class ProcessGroup implements ChannelGroup {
    private final RunKey run;
    private final Map<WorkerRank, DirectTransport> processes = new HashMap<>();
    private final Map<WorkerRank, Channel> channels = new HashMap<>();

    ProcessGroup(RunKey run, Collection<WorkerRank> members, DirectSettings settings)
        throws IOException {
      this.run = run;
      Map<WorkerRank, InetSocketAddress> addresses = new HashMap<>();
      for (WorkerRank member : members) {
        processes.put(member, new DirectTransport(settings, buffers, refusals));
        addresses.put(member, processes.get(member).address());
      }
      for (WorkerRank member : members) {
        channels.put(member, processes.get(member).open(run, member, addresses));
      }
    }

    InetSocketAddress address(WorkerRank member) {
      return processes.get(member).address();
    }

    void stopProcessOf(WorkerRank member) {
      processes.get(member).close();
    }

    @Override
    public Channel channel(WorkerRank member) {
      return channels.get(member);
    }

    @Override
    public void close() {
      channels.values().forEach(Channel::close);
      processes.values().forEach(DirectTransport::close);
    }
  }
}
