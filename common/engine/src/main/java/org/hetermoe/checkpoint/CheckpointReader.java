package org.hetermoe.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * Reads a complete checkpoint, whichever way its tensors were spread over shards. Safe for several
 * threads.
 */
public interface CheckpointReader extends AutoCloseable {
  /**
   * Reads one F32 tensor into host memory of exactly its size.
   *
   * @throws IOException if there is no such tensor, its size differs, or it cannot be reached
   */
  void read(String tensor, MemorySegment target) throws IOException;

  @Override
  void close();
}
