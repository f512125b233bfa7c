package org.hetermoe.compute.cuda.driver;

import org.hetermoe.compute.DeviceException;

/** A call of the CUDA driver, or of a library on top of it, failed. */
public class CudaException extends DeviceException {
  private static final long serialVersionUID = 1L;

  private final int code;

  /**
   * A failed call.
   *
   * @param code the library's own number
   */
  public CudaException(String message, int code) {
    super(message);
    this.code = code;
  }

  /** What the call returned: a {@code CUresult}, or the code of the library that was called. */
  public int code() {
    return code;
  }
}
