package org.hetermoe.compute.cuda.memory;

import org.hetermoe.compute.cuda.driver.CudaException;

/** A device has no memory left for a tensor. */
public final class OutOfDeviceMemoryException extends CudaException {
  private static final long serialVersionUID = 1L;
  private static final int CUDA_ERROR_OUT_OF_MEMORY = 2;

  OutOfDeviceMemoryException(String message) {
    super(message, CUDA_ERROR_OUT_OF_MEMORY);
  }

  @Override
  public boolean outOfMemory() {
    return true;
  }
}
