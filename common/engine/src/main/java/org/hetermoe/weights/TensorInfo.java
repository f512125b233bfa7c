package org.hetermoe.weights;

import org.hetermoe.tensor.Shape;

/**
 * Where a tensor lies in a safetensors file.
 *
 * @param name its name
 * @param type its element type in the file
 * @param shape its extents; a scalar, which the file declares with no extents, has the one extent 1
 * @param begin first byte, counted from the end of the header
 * @param end byte after the last, counted likewise
 */
public record TensorInfo(String name, StoredType type, Shape shape, long begin, long end) {
  /** Size in the file. */
  public long bytes() {
    return end - begin;
  }
}
