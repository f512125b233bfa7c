package org.hetermoe.nn;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.hetermoe.tensor.Shape;

/** Where parameters get their first values from: a seed, a file, a checkpoint. */
public interface WeightSource {
  /**
   * Fills {@code target} with a parameter's elements, F32, row-major.
   *
   * @param name canonical name
   * @param shape extents; {@code target} has exactly their size
   * @throws IOException if the source cannot give it
   */
  void weight(String name, Shape shape, MemorySegment target) throws IOException;

  /**
   * Fills the optimizer's moments of a parameter.
   *
   * @return false if this source has none: the optimizer begins anew
   */
  default boolean moments(String name, Shape shape, MemorySegment m, MemorySegment v)
      throws IOException {
    return false;
  }
}
