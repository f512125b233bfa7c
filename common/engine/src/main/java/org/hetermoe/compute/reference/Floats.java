package org.hetermoe.compute.reference;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.host.HostTensor;

/**
 * The F32 elements of a tensor as rows and columns; arithmetic on them is in double precision and
 * rounds once, when an element is set.
 */
record Floats(MemorySegment elements, int rows, int columns) {
  static Floats of(Tensor tensor) {
    return new Floats(
        HostTensor.of(tensor).segment(), tensor.shape().rows(), tensor.shape().columns());
  }

  long count() {
    return (long) rows * columns;
  }

  double get(long i) {
    return elements.getAtIndex(JAVA_FLOAT, i);
  }

  void set(long i, double value) {
    elements.setAtIndex(JAVA_FLOAT, i, (float) value);
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
