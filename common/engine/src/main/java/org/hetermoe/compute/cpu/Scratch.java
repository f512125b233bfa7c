package org.hetermoe.compute.cpu;

import java.util.ArrayList;
import java.util.List;
import org.hetermoe.compute.host.HostMemory;
import org.hetermoe.compute.host.HostTensor;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/** Memory that one thread reuses from tile to tile; it grows to the largest need and stays. */
final class Scratch {
  private final Block kernels;
  private final List<Block> operands = new ArrayList<>();
  private final HostMemory memory;

  Scratch(HostMemory memory) {
    this.memory = memory;
    this.kernels = new Block(memory);
  }

  /** Address of a kernel's room for that many floats, which ends where the next call begins. */
  long floats(long count) {
    return kernels.floats(count);
  }

  /**
   * Address of room for that many floats beside what kernels take for themselves; it ends where the
   * next call with the same slot begins.
   *
   * @param slot a small number
   */
  long operand(int slot, long count) {
    while (operands.size() <= slot) {
      operands.add(new Block(memory));
    }
    return operands.get(slot).floats(count);
  }

  private static final class Block {
    private final HostMemory memory;
    private HostTensor block;

    Block(HostMemory memory) {
      this.memory = memory;
      this.block = memory.allocate(DType.F32, Shape.of(0));
    }

    long floats(long count) {
      if (block.shape().elements() < count) {
        block.close();
        block = memory.allocate(DType.F32, Shape.of(Math.toIntExact(count)));
      }
      return block.address();
    }
  }
}
