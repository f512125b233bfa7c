package org.hetermoe.channel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * A frame in a pooled native buffer that holds the frame as it travels: header, table, padding,
 * elements, with no gaps, so that transports write and read it in place. Held by one thread at a
 * time.
 */
public final class PooledFrame implements Frame {
  private final FrameBuffers buffers;
  private final FrameBuffers.Block block;
  private final FrameKey key;
  private final DType dtype;
  private final Shape shape;
  private final int tableSize;
  private final long payloadBytes;
  private final AtomicBoolean held = new AtomicBoolean(true);

  private PooledFrame(
      FrameBuffers buffers,
      FrameBuffers.Block block,
      FrameKey key,
      int tableSize,
      DType dtype,
      Shape shape) {
    this.buffers = buffers;
    this.block = block;
    this.key = key;
    this.tableSize = tableSize;
    this.dtype = dtype;
    this.shape = shape;
    this.payloadBytes = FrameHeader.payloadBytes(tableSize, dtype, shape);
  }

  /**
   * A frame with undefined contents.
   *
   * @throws IllegalArgumentException if it is too large, or has too many extents
   */
  public static PooledFrame allocate(
      FrameBuffers buffers, FrameKey key, int tableSize, DType dtype, Shape shape) {
    if (tableSize < 0 || shape.rank() > FrameHeader.MAX_RANK) {
      throw new IllegalArgumentException(
          "no frame has a table of %d and a tensor of %s".formatted(tableSize, shape));
    }
    long bytes = FrameHeader.BYTES + FrameHeader.payloadBytes(tableSize, dtype, shape);
    return new PooledFrame(buffers, buffers.take(bytes), key, tableSize, dtype, shape);
  }

  /** An empty frame for what {@code header} announces. */
  public static PooledFrame allocate(FrameBuffers buffers, FrameHeader header) {
    return allocate(buffers, header.key(), header.tableSize(), header.dtype(), header.shape());
  }

  /**
   * The same frame for its next holder; to the present one it is closed from now on. So a sender
   * that closes what it has sent does no harm.
   *
   * @throws IllegalStateException if it is closed
   */
  public PooledFrame handOver() {
    if (!held.compareAndSet(true, false)) {
      throw new IllegalStateException("frame " + key + " is closed or was sent");
    }
    return new PooledFrame(buffers, block, key, tableSize, dtype, shape);
  }

  /** Writes the header, checksums included, so that {@link #image} is what travels. */
  public void seal(RunKey run, WorkerRank receiver) {
    long tableBytes = (long) tableSize * Integer.BYTES;
    long padded = FrameHeader.paddedTableBytes(tableSize);
    memory(tableBytes, padded - tableBytes).fill((byte) 0);
    new FrameHeader(run, key, receiver, dtype, shape, tableSize, FrameHeader.checksum(payload()))
        .write(block.bytes().clear());
  }

  /** Whether the payload is the one that {@code header} was made for. */
  public boolean intact(FrameHeader header) {
    return FrameHeader.checksum(payload()) == header.payloadChecksum();
  }

  /** Header and payload, in the frame's own memory. */
  public ByteBuffer image() {
    checkHeld();
    return block.bytes().slice(0, Math.toIntExact(FrameHeader.BYTES + payloadBytes));
  }

  /** The payload, in the frame's own memory. */
  public ByteBuffer payload() {
    checkHeld();
    return block.bytes().slice(FrameHeader.BYTES, Math.toIntExact(payloadBytes));
  }

  /** Size of the payload in bytes. */
  public long payloadBytes() {
    return payloadBytes;
  }

  @Override
  public FrameKey key() {
    return key;
  }

  @Override
  public DType dtype() {
    return dtype;
  }

  @Override
  public Shape shape() {
    return shape;
  }

  @Override
  public MemorySegment table() {
    return memory(0, (long) tableSize * ValueLayout.JAVA_INT.byteSize());
  }

  @Override
  public MemorySegment data() {
    long padded = FrameHeader.paddedTableBytes(tableSize);
    return memory(padded, payloadBytes - padded);
  }

  private MemorySegment memory(long payloadOffset, long bytes) {
    checkHeld();
    return block.memory().asSlice(FrameHeader.BYTES + payloadOffset, bytes);
  }

  private void checkHeld() {
    if (!held.get()) {
      throw new IllegalStateException("frame " + key + " is closed or was sent");
    }
  }

  @Override
  public void close() {
    if (held.compareAndSet(true, false)) {
      buffers.give(block);
    }
  }
}
