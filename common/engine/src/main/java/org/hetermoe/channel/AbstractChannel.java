package org.hetermoe.channel;

import java.util.concurrent.atomic.LongAdder;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/** What all channels have in common: an inbox, frames from a pool, and counts. */
public abstract class AbstractChannel implements Channel {
  protected final RunKey run;
  protected final FrameBuffers buffers;
  protected final Inbox inbox;

  private final WorkerRank self;
  private final LongAdder framesSent = new LongAdder();
  private final LongAdder bytesSent = new LongAdder();
  private final LongAdder framesReceived = new LongAdder();
  private final LongAdder bytesReceived = new LongAdder();

  protected AbstractChannel(RunKey run, WorkerRank self, FrameBuffers buffers, Inbox inbox) {
    this.run = run;
    this.self = self;
    this.buffers = buffers;
    this.inbox = inbox;
  }

  @Override
  public final WorkerRank self() {
    return self;
  }

  @Override
  public final Frame newFrame(FrameKey key, int tableSize, DType dtype, Shape shape) {
    if (!key.sender().equals(self)) {
      throw new IllegalArgumentException(self + " cannot send for " + key.sender());
    }
    return PooledFrame.allocate(buffers, key, tableSize, dtype, shape);
  }

  @Override
  public final void send(WorkerRank receiver, Frame frame) throws InterruptedException {
    if (!(frame instanceof PooledFrame lent)) {
      throw new IllegalArgumentException("only frames made by newFrame can be sent");
    }
    PooledFrame taken = lent.handOver();
    long bytes = taken.payloadBytes();
    try {
      inbox.checkAlive();
      inbox.setSending(true);
      transmit(receiver, taken);
    } catch (RuntimeException | InterruptedException e) {
      taken.close();
      throw e;
    } finally {
      inbox.setSending(false);
    }
    framesSent.increment();
    bytesSent.add(bytes);
  }

  /**
   * Puts a frame on its way. If this throws, the frame is closed by the caller; otherwise it has
   * been taken over.
   */
  protected abstract void transmit(WorkerRank receiver, PooledFrame frame)
      throws InterruptedException;

  @Override
  public final Frame receive(FrameKey key) throws InterruptedException {
    PooledFrame frame = inbox.receive(key);
    framesReceived.increment();
    bytesReceived.add(frame.payloadBytes());
    return frame;
  }

  @Override
  public final Traffic traffic() {
    return new Traffic(
        framesSent.sum(), bytesSent.sum(), framesReceived.sum(), bytesReceived.sum());
  }
}
