package org.hetermoe.weights;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** Where the elements of parameters come from: a Hugging Face folder, a checkpoint, memory. */
@FunctionalInterface
public interface WeightSource {
  /**
   * Reads one parameter as F32 into host memory of exactly its size.
   *
   * @param parameter its name in {@link org.hetermoe.model.ParameterNames}
   * @throws IOException if there is no such parameter, its size differs, or it cannot be read
   */
  void read(String parameter, MemorySegment target) throws IOException;
}
