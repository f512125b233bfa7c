package org.hetermoe.compute.host;

import java.lang.foreign.MemorySegment;
import org.hetermoe.compute.Tensor;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * A tensor in native host memory: the kind that every device of this machine's processor uses. Made
 * by {@link HostMemory}. Closing returns the memory to its pool; closing twice, or after the pool,
 * does nothing.
 */
public final class HostTensor implements Tensor {
  /** What a tensor and its views share. */
  private static final class Storage {
    private final HostMemory memory;
    private final MemorySegment block;
    private final long bytes;
    private final boolean pooled;
    private boolean closed;

    private Storage(HostMemory memory, MemorySegment block, long bytes, boolean pooled) {
      this.memory = memory;
      this.block = block;
      this.bytes = bytes;
      this.pooled = pooled;
    }

    private synchronized void close() {
      if (!closed) {
        closed = true;
        memory.unused(bytes);
        if (pooled) {
          memory.release(block);
        }
      }
    }
  }

  private final Storage storage;
  private final boolean view;
  private final MemorySegment segment;
  private final DType dtype;
  private final Shape shape;

  private HostTensor(
      Storage storage, boolean view, MemorySegment segment, DType dtype, Shape shape) {
    this.storage = storage;
    this.view = view;
    this.segment = segment;
    this.dtype = dtype;
    this.shape = shape;
  }

  static HostTensor owner(
      HostMemory memory, MemorySegment block, MemorySegment segment, DType dtype, Shape shape) {
    return new HostTensor(
        new Storage(memory, block, segment.byteSize(), true), false, segment, dtype, shape);
  }

  static HostTensor mapped(HostMemory memory, MemorySegment segment, DType dtype, Shape shape) {
    return new HostTensor(
        new Storage(memory, segment, segment.byteSize(), false), false, segment, dtype, shape);
  }

  /**
   * A tensor as a host tensor.
   *
   * @throws IllegalArgumentException if it is of another device
   */
  public static HostTensor of(Tensor tensor) {
    if (tensor instanceof HostTensor host) {
      return host;
    }
    throw new IllegalArgumentException("a tensor of another device: " + tensor);
  }

  @Override
  public DType dtype() {
    return dtype;
  }

  @Override
  public Shape shape() {
    return shape;
  }

  /**
   * The elements, in native byte order.
   *
   * @throws IllegalStateException if the tensor is closed
   */
  public MemorySegment segment() {
    if (storage.closed || !segment.scope().isAlive()) {
      throw new IllegalStateException("tensor " + this + " is closed");
    }
    return segment;
  }

  /**
   * Address of the first element.
   *
   * @throws IllegalStateException if the tensor is closed
   */
  public long address() {
    return segment().address();
  }

  @Override
  public HostTensor view(long offset, Shape viewShape) {
    long elements = viewShape.elements();
    if (offset < 0 || offset > shape.elements() - elements) {
      throw new IndexOutOfBoundsException(
          "a view " + viewShape + " at element " + offset + " leaves tensor " + shape);
    }
    int width = dtype.bytes();
    return new HostTensor(
        storage, true, segment().asSlice(offset * width, elements * width), dtype, viewShape);
  }

  /**
   * Copies host elements into this tensor.
   *
   * @throws IllegalArgumentException unless {@code source} has exactly this tensor's size
   */
  public void write(MemorySegment source) {
    requireSize(source);
    MemorySegment.copy(source, 0, segment(), 0, bytes());
  }

  /**
   * Copies this tensor's elements to host memory.
   *
   * @throws IllegalArgumentException unless {@code target} has exactly this tensor's size
   */
  public void read(MemorySegment target) {
    requireSize(target);
    MemorySegment.copy(segment(), 0, target, 0, bytes());
  }

  private void requireSize(MemorySegment host) {
    if (host.byteSize() != bytes()) {
      throw new IllegalArgumentException(
          "tensor " + this + " has " + bytes() + " bytes, host memory " + host.byteSize());
    }
  }

  @Override
  public void close() {
    if (!view) {
      storage.close();
    }
  }

  @Override
  public String toString() {
    return dtype + shape.toString();
  }
}
