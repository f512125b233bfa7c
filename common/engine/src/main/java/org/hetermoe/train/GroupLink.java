package org.hetermoe.train;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.Frame;
import org.hetermoe.channel.FrameKey;
import org.hetermoe.channel.Phase;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * A worker's channel, at a step, with a clock of how long it has waited for others. What a worker
 * sends to itself stays here until it is received.
 */
final class GroupLink implements AutoCloseable {
  private static final Shape NOTHING = Shape.of(0, 1);

  private final Channel channel;
  private final Map<FrameKey, Frame> toSelf = new HashMap<>();
  private int step;
  private long waitedNanos;

  GroupLink(Channel channel) {
    this.channel = channel;
  }

  WorkerRank self() {
    return channel.self();
  }

  void beginStep(int number) {
    step = number;
  }

  int step() {
    return step;
  }

  /** Time spent waiting since the link was made, in nanoseconds. */
  long waitedNanos() {
    return waitedNanos;
  }

  /** A frame to fill. */
  Frame frame(Phase phase, int layer, int microBatch, int tableSize, Shape shape) {
    return channel.newFrame(
        new FrameKey(phase, step, layer, microBatch, self()), tableSize, DType.F32, shape);
  }

  void send(WorkerRank receiver, Frame frame) throws InterruptedException {
    if (receiver.equals(self())) {
      toSelf.put(frame.key(), frame);
      return;
    }
    long start = System.nanoTime();
    channel.send(receiver, frame);
    waitedNanos += System.nanoTime() - start;
  }

  Frame receive(Phase phase, int layer, int microBatch, WorkerRank sender)
      throws InterruptedException {
    FrameKey key = new FrameKey(phase, step, layer, microBatch, sender);
    if (sender.equals(self())) {
      return takeOwn(key);
    }
    long start = System.nanoTime();
    Frame frame = channel.receive(key);
    waitedNanos += System.nanoTime() - start;
    return frame;
  }

  private Frame takeOwn(FrameKey key) {
    Frame frame = toSelf.remove(key);
    if (frame == null) {
      throw new IllegalStateException(self() + " waits for " + key + " from itself");
    }
    return frame;
  }

  /** Sends a table alone. */
  void sendTable(
      WorkerRank receiver,
      Phase phase,
      int layer,
      int microBatch,
      int size,
      Consumer<MemorySegment> fill)
      throws InterruptedException {
    Frame frame = frame(phase, layer, microBatch, size, NOTHING);
    fill.accept(frame.table());
    send(receiver, frame);
  }

  /** Frees what was not received; the channel stays the caller's. */
  @Override
  public void close() {
    toSelf.values().forEach(Frame::close);
    toSelf.clear();
  }
}
