package org.hetermoe.tensor;

import java.util.Arrays;

/**
 * The extents of a tensor, outermost first. Extents may be zero: an expert that receives no token
 * works on tensors of no rows.
 */
public final class Shape {
  private final int[] dims;

  private Shape(int[] dims) {
    this.dims = dims;
  }

  /**
   * A shape with the given extents, outermost first.
   *
   * @throws IllegalArgumentException if there is no extent or one is negative
   */
  public static Shape of(int... dims) {
    if (dims.length == 0) {
      throw new IllegalArgumentException("a shape needs at least one extent");
    }
    for (int dim : dims) {
      if (dim < 0) {
        throw new IllegalArgumentException("negative extent in shape " + Arrays.toString(dims));
      }
    }
    return new Shape(dims.clone());
  }

  /** Number of extents. */
  public int rank() {
    return dims.length;
  }

  /** Extent number {@code axis}, counted from the outermost. */
  public int dim(int axis) {
    return dims[axis];
  }

  /** The outermost extent. */
  public int rows() {
    return dims[0];
  }

  /** Product of all extents but the outermost: the elements of one row; 1 for a vector. */
  public int columns() {
    int columns = 1;
    for (int axis = 1; axis < dims.length; axis++) {
      columns = Math.multiplyExact(columns, dims[axis]);
    }
    return columns;
  }

  /** Product of all extents. */
  public long elements() {
    long elements = 1;
    for (int dim : dims) {
      elements = Math.multiplyExact(elements, dim);
    }
    return elements;
  }

  /** The same shape with another outermost extent. */
  public Shape withRows(int rows) {
    int[] changed = dims.clone();
    changed[0] = rows;
    return of(changed);
  }

  /** A copy of the extents. */
  public int[] toArray() {
    return dims.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(dims, shape.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  @Override
  public String toString() {
    return Arrays.toString(dims);
  }
}
