package org.hetermoe.compute.cuda.driver;

import jcuda.driver.CUstream;

/** A stream whose handle can be told to other libraries. */
final class StreamHandle extends CUstream {
  long address() {
    return getNativePointer();
  }
}
