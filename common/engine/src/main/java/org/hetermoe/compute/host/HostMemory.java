package org.hetermoe.compute.host;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import org.hetermoe.compute.MemoryUse;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * Native memory for {@link HostTensor}s, kept in a pool: a closed tensor's block waits for the next
 * tensor of its size class, so that after the first steps a training step asks the operating system
 * for nothing. Size classes are at most a quarter apart. Blocks begin on cache lines.
 *
 * <p>Thread-safe. Closing gives everything back to the operating system; tensors that are closed
 * later are left alone.
 */
public final class HostMemory implements AutoCloseable {
  /** Alignment of every block in bytes: one cache line, one AVX-512 register. */
  public static final long ALIGNMENT = 64;

  private static final long SMALLEST_BLOCK = 256;

  private final Arena arena = Arena.ofShared();
  private final Map<Long, ArrayDeque<MemorySegment>> free = new HashMap<>();
  private long reservedBytes;
  private long inUseBytes;
  private long peakBytes;
  private boolean closed;

  /**
   * A tensor with undefined contents.
   *
   * @throws IllegalStateException if this memory is closed
   * @throws OutOfMemoryError if the operating system has no more
   */
  public synchronized HostTensor allocate(DType dtype, Shape shape) {
    requireOpen();
    long bytes = Math.multiplyExact(shape.elements(), (long) dtype.bytes());
    long capacity = capacity(bytes);
    ArrayDeque<MemorySegment> blocks = free.get(capacity);
    MemorySegment block = blocks == null ? null : blocks.pollLast();
    if (block == null) {
      block = arena.allocate(capacity, ALIGNMENT);
      reservedBytes += capacity;
    }
    used(bytes);
    return HostTensor.owner(this, block, block.asSlice(0, bytes), dtype, shape);
  }

  /**
   * A tensor over a segment that somebody else owns and keeps alive.
   *
   * @throws IllegalArgumentException if the segment is not native, not aligned to its elements or
   *     not exactly as large as the tensor
   */
  public HostTensor map(MemorySegment segment, DType dtype, Shape shape) {
    requireOpen();
    if (!segment.isNative()) {
      throw new IllegalArgumentException("only native memory can be mapped");
    }
    if (segment.address() % dtype.bytes() != 0) {
      throw new IllegalArgumentException("mapped memory is not aligned to its elements");
    }
    long bytes = Math.multiplyExact(shape.elements(), (long) dtype.bytes());
    if (segment.byteSize() != bytes) {
      throw new IllegalArgumentException(
          "a tensor " + shape + " has " + bytes + " bytes, the segment " + segment.byteSize());
    }
    used(bytes);
    return HostTensor.mapped(this, segment, dtype, shape);
  }

  /** What tensors take, mapped ones included. */
  public synchronized MemoryUse use() {
    return new MemoryUse(inUseBytes, peakBytes);
  }

  private synchronized void used(long bytes) {
    inUseBytes += bytes;
    peakBytes = Math.max(peakBytes, inUseBytes);
  }

  synchronized void unused(long bytes) {
    inUseBytes -= bytes;
  }

  /** Bytes taken from the operating system so far. */
  public synchronized long reservedBytes() {
    return reservedBytes;
  }

  /**
   * Fails unless this memory is open.
   *
   * @throws IllegalStateException if it is closed
   */
  public synchronized void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the device's memory is closed");
    }
  }

  synchronized void release(MemorySegment block) {
    if (!closed) {
      free.computeIfAbsent(block.byteSize(), size -> new ArrayDeque<>()).addLast(block);
    }
  }

  /** Rounds up to one of four size classes per power of two. */
  static long capacity(long bytes) {
    if (bytes <= SMALLEST_BLOCK) {
      return SMALLEST_BLOCK;
    }
    long step = Long.highestOneBit(bytes - 1) >> 2;
    return (bytes + step - 1) / step * step;
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      free.clear();
      arena.close();
    }
  }
}
