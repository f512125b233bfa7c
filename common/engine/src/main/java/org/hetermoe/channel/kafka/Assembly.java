package org.hetermoe.channel.kafka;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.FrameHeader;
import org.hetermoe.channel.Inbox;
import org.hetermoe.channel.PooledFrame;
import org.hetermoe.channel.Refusal;
import org.hetermoe.channel.Refusals;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;

/**
 * Puts the frames of one sender together, straight in the buffer that the receiver will read. A
 * sender's parts come in order and one frame after the other, so that a gap is a loss.
 */
final class Assembly {
  private final RunKey run;
  private final WorkerRank self;
  private final WorkerRank sender;
  private final Inbox inbox;
  private final FrameBuffers buffers;
  private final Refusals refusals;
  private final long maxPayloadBytes;
  private final Credits credits;
  private final ReentrantLock lock = new ReentrantLock();

  /** The frame to come next, or in the making. */
  private long sequence;

  private int nextPart;
  private FrameHeader header;
  private PooledFrame frame;
  private boolean refusing;
  private boolean ended;

  Assembly(
      RunKey run,
      WorkerRank self,
      WorkerRank sender,
      Inbox inbox,
      FrameBuffers buffers,
      Refusals refusals,
      long maxPayloadBytes,
      Credits credits) {
    this.run = run;
    this.self = self;
    this.sender = sender;
    this.inbox = inbox;
    this.buffers = buffers;
    this.refusals = refusals;
    this.maxPayloadBytes = maxPayloadBytes;
    this.credits = credits;
  }

  /**
   * Takes a part; waits while the inbox has no room.
   *
   * @throws ChannelException if the channel was aborted or closed
   */
  void accept(PartHeader part, byte[] record) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      if (ended) {
        return;
      }
      if (part.sequence() < sequence || (part.sequence() == sequence && part.part() < nextPart)) {
        refusals.refuse(Refusal.DUPLICATE, "record " + part);
        return;
      }
      if (part.sequence() > sequence || part.part() > nextPart) {
        fail(Refusal.TRUNCATED, "records before " + part + " got lost");
        return;
      }
      try {
        append(part, record);
      } catch (ChannelException e) {
        discard();
        throw e;
      } catch (InterruptedException e) {
        discard();
        inbox.lose(sender, "the consumer was interrupted");
        throw e;
      }
    } finally {
      lock.unlock();
    }
  }

  private void append(PartHeader part, byte[] record) throws InterruptedException {
    if (part.part() == 0) {
      begin(part, ByteBuffer.wrap(record, PartHeader.BYTES, part.length()));
      // What was refused counts as well: its sender has sent it.
      credits.letIn(sender, part.frameBytes());
    }
    if (frame != null) {
      ByteBuffer image = frame.image();
      if (part.offset() + part.length() > image.limit()) {
        fail(Refusal.SIZE_MISMATCH, "frame larger than its header says: " + part);
        return;
      }
      image.put(part.offset(), record, PartHeader.BYTES, part.length());
    }
    nextPart++;
    if (part.isLast()) {
      complete();
    }
  }

  private void begin(PartHeader part, ByteBuffer content) throws InterruptedException {
    refusing = true;
    switch (FrameHeader.read(content.slice(), maxPayloadBytes)) {
      case FrameHeader.Refused refused ->
          refusals.refuse(refused.reason(), "frame from " + sender + ": " + refused.detail());
      case FrameHeader.Accepted(FrameHeader sound) -> {
        Optional<Refusal> misdirected = sound.misdirected(run, sender, self);
        if (misdirected.isPresent()) {
          refusals.refuse(misdirected.get(), "frame from " + sender + ": " + sound);
        } else if (sound.payloadBytes() + FrameHeader.BYTES != part.frameBytes()) {
          refusals.refuse(Refusal.SIZE_MISMATCH, "frame of " + sound + " in " + part);
        } else {
          inbox.reserve(sender, sound.payloadBytes());
          header = sound;
          frame = PooledFrame.allocate(buffers, sound);
          refusing = false;
        }
      }
    }
  }

  private void complete() {
    PooledFrame whole = frame;
    frame = null;
    sequence++;
    nextPart = 0;
    if (refusing) {
      return;
    }
    if (!whole.intact(header)) {
      whole.close();
      inbox.unreserve(sender, header.payloadBytes());
      // The run needs the frame: better to fail now than to wait for ever.
      fail(Refusal.BAD_CHECKSUM, "a frame arrived damaged: " + header.key());
      return;
    }
    inbox.deliver(whole).ifPresent(reason -> refusals.refuse(reason, "frame " + header.key()));
  }

  private void fail(Refusal reason, String detail) {
    refusals.refuse(reason, detail);
    discard();
    inbox.lose(sender, detail);
  }

  /** Takes nothing more and frees what is half done. */
  void end() {
    lock.lock();
    try {
      discard();
    } finally {
      lock.unlock();
    }
  }

  private void discard() {
    ended = true;
    if (frame != null) {
      frame.close();
      frame = null;
      inbox.unreserve(sender, header.payloadBytes());
    }
  }
}
