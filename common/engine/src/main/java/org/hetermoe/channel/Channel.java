package org.hetermoe.channel;

import org.hetermoe.group.WorkerRank;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * One worker's end of the traffic of one run: dispatch, combine and reduce. All transports pass the
 * same conformance test.
 *
 * <p>Frames between two workers arrive whole, once, and unharmed, or the channel fails; they may be
 * received in any order. {@link #send} returns when the frame is on its way, not when it has
 * arrived, and waits while more than a window of bytes to that receiver is unread. One thread sends
 * and receives; {@link #abort} and {@link #close} may come from any.
 *
 * <p>Because one thread does both, a worker takes in what others send while it sends itself, though
 * the window be full: two that send to each other without reading, as attention workers that own
 * experts do, would wait for ever otherwise. What may be unread then is what the schedule lets a
 * worker send ahead, R frames of each phase; a window that holds them keeps senders from waiting.
 */
public interface Channel extends AutoCloseable {
  /** Who this end belongs to. */
  WorkerRank self();

  /**
   * A frame to fill and send, with contents undefined.
   *
   * @param tableSize number of integers
   */
  Frame newFrame(FrameKey key, int tableSize, DType dtype, Shape shape);

  /**
   * Sends a frame made by {@link #newFrame} and takes it over, whatever happens.
   *
   * @throws ChannelException if the frame cannot reach the receiver, or the channel was aborted
   */
  void send(WorkerRank receiver, Frame frame) throws InterruptedException;

  /**
   * Waits for a frame. The caller closes it.
   *
   * @throws ChannelException if the channel was aborted or lost its connection to the sender
   */
  Frame receive(FrameKey key) throws InterruptedException;

  /** Fails all waiting and future calls with {@code reason}; peers notice, but by a broker. */
  void abort(String reason);

  /** What has gone through. */
  Traffic traffic();

  /**
   * Lets what was sent go out, for a limited time and unless aborted, and frees what was not
   * received. What peers have sent stays readable for them; what they send from now on is lost.
   */
  @Override
  void close();

  /** Totals since the channel was opened. */
  record Traffic(long framesSent, long bytesSent, long framesReceived, long bytesReceived) {}
}
