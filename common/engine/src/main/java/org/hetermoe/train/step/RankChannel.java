package org.hetermoe.train.step;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.Frame;
import org.hetermoe.channel.FrameKey;
import org.hetermoe.channel.Phase;
import org.hetermoe.channel.Subject;
import org.hetermoe.compute.Completion;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Tensor;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * A rank's end of its group's channel, at a step: carries tensors of the rank's device and control
 * messages, and counts how long the rank has waited for others.
 *
 * <p>A frame leaves when its elements have been copied off the device, in the order of sending; the
 * rank computes on meanwhile, and sends all that is left before it waits for anything. What a rank
 * sends to itself stays on its device.
 *
 * <p>Used by the rank's own thread.
 */
public final class RankChannel implements TaskClock.Traffic, AutoCloseable {
  private static final Shape NOTHING = Shape.of(0, 1);

  private final Channel channel;
  private final Compute compute;
  private final Map<FrameKey, Incoming> toSelf = new HashMap<>();
  private final Deque<Leaving> leaving = new ArrayDeque<>();
  private int step;
  private long waitedNanos;
  private long sentBytes;

  /** A frame that waits for its elements. */
  private record Leaving(WorkerRank receiver, Frame frame, Tensor tensor, Completion copied) {
    void close() {
      copied.await();
      tensor.close();
      frame.close();
    }
  }

  /** An end whose tensors live on {@code compute}; both stay the caller's. */
  public RankChannel(Channel channel, Compute compute) {
    this.channel = channel;
    this.compute = compute;
  }

  /** Whose end this is. */
  public WorkerRank self() {
    return channel.self();
  }

  /** From now on frames are of this step. */
  public void beginStep(int number) {
    step = number;
  }

  /** The present step. */
  public int step() {
    return step;
  }

  @Override
  public long waitedNanos() {
    return waitedNanos;
  }

  @Override
  public long sentBytes() {
    return sentBytes;
  }

  /** A frame to be filled on the device, and sent. */
  public final class Outgoing {
    private final Frame frame;
    private final Tensor tensor;

    private Outgoing(Frame frame) {
      this.frame = frame;
      this.tensor = compute.transferTensor(frame.data(), frame.dtype(), frame.shape());
    }

    /** Integers to fill, native byte order. */
    public MemorySegment table() {
      return frame.table();
    }

    /** The elements to fill. */
    public Tensor tensor() {
      return tensor;
    }

    /** Sends what was filled; the tensor is gone. */
    public void send(WorkerRank receiver) throws InterruptedException {
      if (receiver.equals(self())) {
        toSelf.put(frame.key(), new Incoming(frame, tensor));
        return;
      }
      leave(receiver, frame, tensor, compute.download(tensor, frame.data()));
    }
  }

  /** What another rank has sent. */
  public static final class Incoming implements AutoCloseable {
    private final Frame frame;
    private final Tensor tensor;

    private Incoming(Frame frame, Tensor tensor) {
      this.frame = frame;
      this.tensor = tensor;
    }

    /** Integers, native byte order. */
    public MemorySegment table() {
      return frame.table();
    }

    /** Elements on the device. */
    public Tensor tensor() {
      return tensor;
    }

    @Override
    public void close() {
      tensor.close();
      frame.close();
    }
  }

  /** A frame to fill. */
  public Outgoing outgoing(Phase phase, Subject subject, int tableSize, DType dtype, Shape shape) {
    return new Outgoing(channel.newFrame(key(phase, subject, self()), tableSize, dtype, shape));
  }

  /** Waits for a frame, whose elements are then on the device. */
  public Incoming receive(Phase phase, Subject subject, WorkerRank sender)
      throws InterruptedException {
    FrameKey key = key(phase, subject, sender);
    if (sender.equals(self())) {
      Incoming own = toSelf.remove(key);
      if (own == null) {
        throw new IllegalStateException(self() + " waits for " + key + " from itself");
      }
      return own;
    }
    Frame frame = await(key);
    Tensor tensor = compute.transferTensor(frame.data(), frame.dtype(), frame.shape());
    compute.upload(frame.data(), tensor);
    return new Incoming(frame, tensor);
  }

  /** Sends the elements of a tensor, which stays the caller's. */
  public void send(WorkerRank receiver, Phase phase, Subject subject, Tensor values)
      throws InterruptedException {
    Frame frame = channel.newFrame(key(phase, subject, self()), 0, values.dtype(), values.shape());
    compute.read(values, frame.data());
    transmit(receiver, frame);
  }

  /** Overwrites {@code target} with the elements that another rank sent. */
  public void receive(WorkerRank sender, Phase phase, Subject subject, Tensor target)
      throws InterruptedException {
    try (Frame frame = await(key(phase, subject, sender))) {
      compute.write(frame.data(), target);
    }
  }

  /** Sends a control message. */
  public <T> void send(
      WorkerRank receiver, Phase phase, Subject subject, MessageCodec<T> codec, T message)
      throws InterruptedException {
    int[] table = codec.encode(message);
    Frame frame = channel.newFrame(key(phase, subject, self()), table.length, DType.I32, NOTHING);
    MemorySegment.copy(table, 0, frame.table(), ValueLayout.JAVA_INT, 0, table.length);
    transmit(receiver, frame);
  }

  /** Waits for a control message. */
  public <T> T receive(WorkerRank sender, Phase phase, Subject subject, MessageCodec<T> codec)
      throws InterruptedException {
    try (Frame frame = await(key(phase, subject, sender))) {
      return codec.decode(frame.table());
    }
  }

  private FrameKey key(Phase phase, Subject subject, WorkerRank sender) {
    return new FrameKey(phase, step, subject, sender);
  }

  /** Sends what still waits for its elements; a rank that will not receive soon calls it. */
  public void flush() throws InterruptedException {
    while (!leaving.isEmpty()) {
      depart(leaving.poll());
    }
  }

  private Frame await(FrameKey key) throws InterruptedException {
    flush();
    long start = System.nanoTime();
    Frame frame = channel.receive(key);
    waitedNanos += System.nanoTime() - start;
    return frame;
  }

  private void leave(WorkerRank receiver, Frame frame, Tensor tensor, Completion copied)
      throws InterruptedException {
    leaving.add(new Leaving(receiver, frame, tensor, copied));
    while (!leaving.isEmpty() && leaving.peek().copied.isDone()) {
      depart(leaving.poll());
    }
  }

  private void depart(Leaving ready) throws InterruptedException {
    ready.copied.await();
    ready.tensor.close();
    transmit(ready.receiver, ready.frame);
  }

  private void transmit(WorkerRank receiver, Frame frame) throws InterruptedException {
    sentBytes += frame.table().byteSize() + frame.data().byteSize();
    long start = System.nanoTime();
    channel.send(receiver, frame);
    waitedNanos += System.nanoTime() - start;
  }

  /** Frees what was not sent or received; channel and device stay the caller's. */
  @Override
  public void close() {
    leaving.forEach(Leaving::close);
    leaving.clear();
    toSelf.values().forEach(Incoming::close);
    toSelf.clear();
  }
}
