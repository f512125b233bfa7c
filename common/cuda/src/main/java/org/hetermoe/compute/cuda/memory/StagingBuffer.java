package org.hetermoe.compute.cuda.memory;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import org.hetermoe.compute.cuda.driver.Context;

/**
 * A ring of page-locked memory between ordinary host memory and one lane of the device: pieces are
 * handed out in turn, and again once the copies that use them are done.
 */
final class StagingBuffer implements AutoCloseable {
  /** Two of the largest pieces and then some: one is filled while the other travels. */
  private static final long CAPACITY = 8L << 20;

  /** The largest piece. */
  static final long LARGEST = 2L << 20;

  private static final long ALIGNMENT = 256;

  private final Context context;
  private final Lane lane;
  private final ArrayDeque<Piece> busy = new ArrayDeque<>();
  private MemorySegment memory;
  private long tail;
  private long head;

  private record Piece(long begin, long end, long ticket) {}

  StagingBuffer(Context context, Lane lane) {
    this.context = context;
    this.lane = lane;
  }

  /**
   * The next piece, for a copy that the caller queues at once, and then tells with {@link #taken}.
   *
   * @param bytes at most {@link #LARGEST}
   */
  MemorySegment take(long bytes) {
    if (memory == null) {
      memory = context.allocateHost(CAPACITY);
    }
    long size = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    long begin = head + size > CAPACITY ? 0 : head;
    long end = begin + size;
    // Pieces lie in the order they were taken: whatever this one overlaps comes first.
    while (!busy.isEmpty() && overlapsOrPassed(busy.peek(), begin, end)) {
      lane.await(busy.poll().ticket);
    }
    tail = begin;
    head = end;
    return memory.asSlice(begin, bytes);
  }

  /** The last piece is in use until the work of a ticket is done. */
  void taken(long ticket) {
    busy.add(new Piece(tail, head, ticket));
  }

  private boolean overlapsOrPassed(Piece piece, long begin, long end) {
    boolean overlaps = piece.begin < end && begin < piece.end;
    boolean passed = begin == 0 && head != 0 && piece.begin >= head;
    return overlaps || passed;
  }

  @Override
  public void close() {
    if (memory != null) {
      context.freeHost(memory.address());
      memory = null;
    }
  }
}
