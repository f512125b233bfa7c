package org.hetermoe.compute.reference;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.host.HostTensor;

/** The I32 elements of a tensor. */
record Ints(MemorySegment elements) {
  static Ints of(Tensor tensor) {
    return new Ints(HostTensor.of(tensor).segment());
  }

  int get(long i) {
    return elements.getAtIndex(JAVA_INT, i);
  }

  void set(long i, int value) {
    elements.setAtIndex(JAVA_INT, i, value);
  }
}
