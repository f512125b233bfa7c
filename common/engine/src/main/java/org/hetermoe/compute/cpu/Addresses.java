package org.hetermoe.compute.cpu;

import java.util.List;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.host.HostTensor;

/** Where the elements of tensors lie; asking checks that they are there. */
final class Addresses {
  private Addresses() {}

  static long of(Tensor x) {
    return HostTensor.of(x).address();
  }

  static long[] of(List<Tensor> tensors) {
    return tensors.stream().mapToLong(Addresses::of).toArray();
  }
}
