package org.hetermoe.compute.cpu;

import java.util.List;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.host.HostTensor;
import org.hetermoe.tensor.DType;

/**
 * The elements of a floating-point tensor as kernels take them, in single precision. Those of an
 * F32 tensor are where they are; of others a kernel gets a copy in the executing thread's scratch
 * memory, and what it writes there is rounded to the tensor's type. A kernel that computes in place
 * reads, computes and stores at one address.
 *
 * @param address of the first element
 * @param type of the elements
 */
record Elements(long address, DType type) {

  /**
   * The elements of a tensor of any floating-point type, of one in which this device cannot compute
   * as well: rows on their way between workers.
   */
  static Elements ofAny(Tensor x) {
    return new Elements(HostTensor.of(x).address(), x.dtype());
  }

  static List<Elements> ofAny(List<Tensor> tensors) {
    return tensors.stream().map(Elements::ofAny).toList();
  }

  /**
   * Address of {@code count} floats, the elements from {@code from} on.
   *
   * @param slot which of the thread's operands this is; valid until the next with that number
   */
  long read(long from, int count, Scratch scratch, int slot) {
    long at = room(from, count, scratch, slot);
    copyTo(from, count, at);
    return at;
  }

  /**
   * Address for {@code count} floats with undefined contents, which {@link #store} takes to the
   * elements from {@code from} on.
   */
  long room(long from, int count, Scratch scratch, int slot) {
    return type == DType.F32 ? at(from) : scratch.operand(slot, count);
  }

  /** Copies {@code count} elements from {@code from} on to floats; nothing where they are there. */
  void copyTo(long from, int count, long floats) {
    switch (type) {
      case F32 -> {
        if (floats != at(from)) {
          Lanes.copy(at(from), floats, 4L * count);
        }
      }
      case BF16 -> Bf16Kernel.widen(at(from), floats, count);
      case F16 -> {
        for (int i = 0; i < count; i++) {
          Lanes.put(floats + 4L * i, Float.float16ToFloat(Lanes.getShort(at(from + i))));
        }
      }
      case I32 -> throw new IllegalArgumentException("I32 is no floating-point type");
    }
  }

  /** Stores {@code count} floats as the elements from {@code from} on, rounded to their type. */
  void store(long floats, long from, int count) {
    switch (type) {
      case F32 -> {
        if (floats != at(from)) {
          Lanes.copy(floats, at(from), 4L * count);
        }
      }
      case BF16 -> Bf16Kernel.round(floats, at(from), count);
      case F16 -> {
        for (int i = 0; i < count; i++) {
          Lanes.putShort(at(from + i), Float.floatToFloat16(Lanes.get(floats + 4L * i)));
        }
      }
      case I32 -> throw new IllegalArgumentException("I32 is no floating-point type");
    }
  }

  /** Address of an element. */
  long at(long element) {
    return address + element * type.bytes();
  }
}
