package org.hetermoe.checkpoint;

import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import org.hetermoe.tensor.Shape;

/**
 * A worker's part of a checkpoint, snapshotted in host memory: F32 tensors by name, in order.
 *
 * @param tensors weights under their canonical names, AdamW's moments under {@link #firstMoment}
 *     and {@link #secondMoment}
 */
public record Shard(Map<String, Entry> tensors) {
  public Shard {
    tensors = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
  }

  /**
   * One tensor.
   *
   * @param shape its extents
   * @param data its elements, little-endian F32, row-major
   */
  public record Entry(Shape shape, MemorySegment data) {}

  /** Name of a parameter's first moment. */
  public static String firstMoment(String parameter) {
    return "optimizer.m." + parameter;
  }

  /** Name of a parameter's second moment. */
  public static String secondMoment(String parameter) {
    return "optimizer.v." + parameter;
  }
}
