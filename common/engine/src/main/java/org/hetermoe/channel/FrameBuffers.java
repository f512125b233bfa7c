package org.hetermoe.channel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.hetermoe.tensor.TransferMemory;

/**
 * A pool of native buffers for frames, aligned to {@value FrameHeader#ALIGNMENT} bytes, in size
 * classes four to a doubling. Once the sizes of a run have been seen, no message allocates native
 * memory. What is idle is bounded; what is lent out is bounded by the windows of the channels. The
 * memory counts against the JVM's limit of direct memory ({@code -XX:MaxDirectMemorySize}).
 *
 * <p>One per process; thread-safe. The buffers lie in memory that the process's device copies from
 * and to at full speed, where that is not the same as any native memory.
 */
public final class FrameBuffers implements AutoCloseable {
  /** Idle bytes kept unless told otherwise: 512 MiB. */
  public static final long DEFAULT_IDLE_BYTES = 512L << 20;

  private static final long SMALLEST = 1024;

  private final TransferMemory source;
  private final long maxIdleBytes;
  private final ReentrantLock lock = new ReentrantLock();
  private final TreeMap<Long, Deque<Block>> idle = new TreeMap<>();
  private long idleBytes;
  private long outstandingBytes;
  private int outstanding;
  private long allocations;
  private boolean closed;

  /** Buffers of ordinary native memory. */
  public FrameBuffers() {
    this(TransferMemory.PLAIN, DEFAULT_IDLE_BYTES);
  }

  /**
   * @param source where buffers come from
   * @param maxIdleBytes largest sum of buffers that are kept for later
   */
  public FrameBuffers(TransferMemory source, long maxIdleBytes) {
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      throw new IllegalStateException("frames are little-endian, this machine is not");
    }
    this.source = source;
    this.maxIdleBytes = maxIdleBytes;
  }

  /** A buffer of at least {@code bytes}, contents undefined. */
  Block take(long bytes) {
    long size = sizeClass(bytes);
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the pool of frame buffers is closed");
      }
      outstanding++;
      // A class or two above is better than another allocation; more would be waste.
      Map.Entry<Long, Deque<Block>> fit = idle.ceilingEntry(size);
      if (fit != null && fit.getKey() <= size + size / 2) {
        Block block = removeFrom(fit);
        outstandingBytes += block.size();
        return block;
      }
      allocations++;
      outstandingBytes += size;
    } finally {
      lock.unlock();
    }
    return allocate(size);
  }

  private Block allocate(long size) {
    Arena arena = Arena.ofShared();
    try {
      MemorySegment memory = source.allocate(size, FrameHeader.ALIGNMENT, arena);
      return new Block(arena, memory, memory.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN), size);
    } catch (OutOfMemoryError e) {
      arena.close();
      lock.lock();
      try {
        outstanding--;
        outstandingBytes -= size;
      } finally {
        lock.unlock();
      }
      throw e;
    }
  }

  /** Takes a buffer back. */
  void give(Block block) {
    List<Block> surplus = new ArrayList<>(1);
    lock.lock();
    try {
      outstanding--;
      outstandingBytes -= block.size();
      idle.computeIfAbsent(block.size(), size -> new ArrayDeque<>()).push(block);
      idleBytes += block.size();
      while (idleBytes > (closed ? 0 : maxIdleBytes)) {
        surplus.add(removeFrom(idle.lastEntry()));
      }
    } finally {
      lock.unlock();
    }
    surplus.forEach(dropped -> dropped.arena().close());
  }

  private Block removeFrom(Map.Entry<Long, Deque<Block>> entry) {
    Block block = entry.getValue().pop();
    if (entry.getValue().isEmpty()) {
      idle.remove(entry.getKey());
    }
    idleBytes -= block.size();
    return block;
  }

  /** Number of buffers lent out. */
  public int outstanding() {
    return locked(() -> (long) outstanding).intValue();
  }

  /** Sum of the buffers lent out, in bytes. */
  public long outstandingBytes() {
    return locked(() -> outstandingBytes);
  }

  /** Sum of the buffers kept for later, in bytes. */
  public long idleBytes() {
    return locked(() -> idleBytes);
  }

  /** How often native memory was allocated. */
  public long allocations() {
    return locked(() -> allocations);
  }

  private Long locked(java.util.function.Supplier<Long> read) {
    lock.lock();
    try {
      return read.get();
    } finally {
      lock.unlock();
    }
  }

  /** Frees what is idle now, and what is lent out when it comes back. */
  @Override
  public void close() {
    List<Block> all = new ArrayList<>();
    lock.lock();
    try {
      closed = true;
      idle.values().forEach(all::addAll);
      idle.clear();
      idleBytes = 0;
    } finally {
      lock.unlock();
    }
    all.forEach(block -> block.arena().close());
  }

  /** The size of the class that {@code bytes} belongs to: four classes to a doubling. */
  static long sizeClass(long bytes) {
    if (bytes <= SMALLEST) {
      return SMALLEST;
    }
    long step = Long.highestOneBit(bytes - 1) / 4;
    return (bytes + step - 1) / step * step;
  }

  /**
   * A native buffer, seen as segment and as byte buffer.
   *
   * @param arena frees it
   * @param memory all of it
   * @param bytes the same memory; little-endian, position and limit belong to the holder
   * @param size in bytes
   */
  record Block(Arena arena, MemorySegment memory, ByteBuffer bytes, long size) {}
}
