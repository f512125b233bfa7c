package org.hetermoe.compute.cpu;

import java.util.List;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.host.HostTensor;
import org.hetermoe.tensor.DType;

/**
 * Where the elements of tensors lie; asking checks that they are there, and of the types that
 * kernels take as they are. What may be of 16 bits passes by {@link Elements} instead.
 */
final class Addresses {
  private Addresses() {}

  /**
   * Address of the first element.
   *
   * @throws IllegalArgumentException if elements are neither F32 nor I32
   */
  static long of(Tensor x) {
    if (x.dtype() != DType.F32 && x.dtype() != DType.I32) {
      throw new IllegalArgumentException("the device cpu takes fp32 or integers here, not " + x);
    }
    return HostTensor.of(x).address();
  }

  static long[] of(List<Tensor> tensors) {
    return tensors.stream().mapToLong(Addresses::of).toArray();
  }
}
