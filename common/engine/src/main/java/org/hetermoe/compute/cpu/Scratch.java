package org.hetermoe.compute.cpu;

import org.hetermoe.compute.host.HostMemory;
import org.hetermoe.compute.host.HostTensor;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/** Memory that one thread reuses from tile to tile; it grows to the largest need and stays. */
final class Scratch {
  private final HostMemory memory;
  private HostTensor block;

  Scratch(HostMemory memory) {
    this.memory = memory;
    this.block = memory.allocate(DType.F32, Shape.of(0));
  }

  /** Address of room for that many floats, which ends where the next call begins. */
  long floats(long count) {
    if (block.shape().elements() < count) {
      block.close();
      block = memory.allocate(DType.F32, Shape.of(Math.toIntExact(count)));
    }
    return block.address();
  }
}
