package org.hetermoe.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Host memory that a device copies from and to at full speed: page-locked for a GPU, ordinary
 * native memory for the processor. What travels over a channel lies in it. Thread-safe.
 */
public interface TransferMemory {
  /** Ordinary native memory. */
  TransferMemory PLAIN = (bytes, alignment, arena) -> arena.allocate(bytes, alignment);

  /**
   * A buffer with undefined contents that lives as long as {@code arena}.
   *
   * @throws OutOfMemoryError if there is no more
   */
  MemorySegment allocate(long bytes, long alignment, Arena arena);
}
