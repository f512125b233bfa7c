package org.hetermoe.channel;

import java.lang.foreign.MemorySegment;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * One message between workers: a routing table of integers and a tensor, both in one native buffer
 * that the channel lends. Whoever holds a frame closes it; sending hands it over.
 */
public interface Frame extends AutoCloseable {
  /** What it is. */
  FrameKey key();

  /** Element type of the tensor. */
  DType dtype();

  /** Shape of the tensor, [rows, columns]. */
  Shape shape();

  /** The integers, native byte order (little-endian on the wire), 4-byte aligned; may be empty. */
  MemorySegment table();

  /** The tensor's elements, 64-byte aligned; may be empty. */
  MemorySegment data();

  /** Gives the buffer back. Closing twice is harmless. */
  @Override
  void close();
}
