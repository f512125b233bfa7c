package org.hetermoe.benchmark.channel;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.UUID;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.Frame;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.FrameKey;
import org.hetermoe.channel.Phase;
import org.hetermoe.channel.Refusals;
import org.hetermoe.channel.Subject;
import org.hetermoe.channel.direct.DirectSettings;
import org.hetermoe.channel.direct.DirectTransport;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/** The product's direct channel: headers, checksums, pooled frames, a thread at each end. */
final class DirectLink implements Link {
  private static final int FRAMES_PER_STEP = 64;

  private final FrameBuffers buffers = new FrameBuffers();
  private final DirectTransport transport;
  private final Channel channel;
  private final WorkerRank other;
  private int sent;
  private int received;

  DirectLink(boolean first, int ownPort, int otherPort, int socketBufferBytes) throws IOException {
    WorkerRank self = WorkerRank.attention(first ? 0 : 1);
    other = WorkerRank.attention(first ? 1 : 0);
    transport =
        new DirectTransport(
            DirectSettings.on("127.0.0.1", ownPort, "127.0.0.1")
                .withWindowBytes(16 << 20)
                .withSocketBufferBytes(socketBufferBytes),
            buffers,
            new Refusals());
    channel =
        transport.open(
            new RunKey(new UUID(0, 0), 1),
            self,
            Map.of(other, InetSocketAddress.createUnresolved("127.0.0.1", otherPort)));
  }

  private static FrameKey key(int number, WorkerRank sender) {
    return new FrameKey(
        Phase.DISPATCH,
        1 + number / FRAMES_PER_STEP,
        new Subject.MicroBatch(0, number % FRAMES_PER_STEP),
        sender);
  }

  @Override
  public void send(int kind, int bytes) throws InterruptedException {
    Frame frame =
        channel.newFrame(key(sent++, channel.self()), 0, DType.I32, Shape.of(bytes / 4, 1));
    frame.data().set(ValueLayout.JAVA_INT, 0, kind);
    channel.send(other, frame);
  }

  @Override
  public int receive() throws InterruptedException {
    try (Frame frame = channel.receive(key(received++, other))) {
      return frame.data().get(ValueLayout.JAVA_INT, 0);
    }
  }

  @Override
  public void close() {
    channel.close();
    transport.close();
    buffers.close();
  }
}
