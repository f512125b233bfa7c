package org.hetermoe.compute.cuda.driver;

import jcuda.Pointer;

/** Any address of host memory as JCuda wants it; a buffer of JCuda's own ends at 2 GiB. */
final class Address extends Pointer {
  /** To receive an address. */
  Address() {}

  Address(long address) {
    super(address);
  }

  long address() {
    return getNativePointer();
  }
}
