package org.hetermoe.compute.cuda.driver;

import jcuda.driver.CUdeviceptr;

/** Any address of device memory as JCuda wants it: its native code adds pointer and offset. */
final class DeviceAddress extends CUdeviceptr {
  /** To receive an address. */
  DeviceAddress() {}

  DeviceAddress(long address) {
    super(new CUdeviceptr(), address);
  }

  long address() {
    return getNativePointer() + getByteOffset();
  }
}
