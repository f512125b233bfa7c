package org.hetermoe.compute;

import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * A dense, contiguous, row-major array of elements on some device. It is made by a {@code Compute}
 * and understood by that one alone; nobody else may assume that its elements are in host memory.
 *
 * <p>A tensor is closed by whoever allocated it. Closing a view does nothing; a view is dead once
 * the tensor it was cut from is closed. Tensors are not synchronised.
 */
public interface Tensor extends AutoCloseable {
  /** Element type. */
  DType dtype();

  /** Extents. */
  Shape shape();

  /**
   * A view of {@code shape.elements()} consecutive elements that begin at element {@code offset}.
   *
   * @throws IndexOutOfBoundsException if the view would leave this tensor
   */
  Tensor view(long offset, Shape shape);

  /** A view of {@code count} rows that begin at row {@code from}. */
  default Tensor rows(int from, int count) {
    return view((long) from * shape().columns(), shape().withRows(count));
  }

  /** Size of all elements in bytes. */
  default long bytes() {
    return shape().elements() * dtype().bytes();
  }

  @Override
  void close();
}
