package org.hetermoe.compute.reference;

import java.lang.foreign.MemorySegment;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.host.Conversion;
import org.hetermoe.compute.host.HostTensor;
import org.hetermoe.tensor.DType;

/**
 * The elements of a tensor of any floating-point type as rows and columns; arithmetic on them is in
 * double precision. An element that is set is a number of single precision, and so rounded as it
 * would be in an F32 tensor, and then of the tensor's type.
 */
record Floats(MemorySegment elements, DType dtype, int rows, int columns) {
  static Floats of(Tensor tensor) {
    return new Floats(
        HostTensor.of(tensor).segment(),
        tensor.dtype(),
        tensor.shape().rows(),
        tensor.shape().columns());
  }

  long count() {
    return (long) rows * columns;
  }

  double get(long i) {
    return Conversion.get(elements, dtype, i);
  }

  void set(long i, double value) {
    Conversion.set(elements, dtype, i, (float) value);
  }

  double get(int row, int column) {
    return get((long) row * columns + column);
  }

  void set(int row, int column, double value) {
    set((long) row * columns + column, value);
  }

  void add(int row, int column, double value) {
    set(row, column, get(row, column) + value);
  }
}
