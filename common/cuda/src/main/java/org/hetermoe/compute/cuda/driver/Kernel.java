package org.hetermoe.compute.cuda.driver;

import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.JCudaDriver;

/** A kernel that can be launched; see {@link Launch}. */
public final class Kernel {
  /** What a block may have without asking. */
  private static final int SHARED_WITHOUT_ASKING = 48 << 10;

  private final Context context;
  private final String name;
  private final CUfunction function;
  private int sharedBytesAllowed = SHARED_WITHOUT_ASKING;

  Kernel(Context context, String name, CUfunction function) {
    this.context = context;
    this.name = name;
    this.function = function;
  }

  /** Its name. */
  public String name() {
    return name;
  }

  /** Dynamic shared memory above 48 KiB must be asked for before the first launch with it. */
  void allowSharedBytes(int bytes) {
    if (bytes > sharedBytesAllowed) {
      context.makeCurrent();
      context.check(
          JCudaDriver.cuFuncSetAttribute(
              function,
              CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
              bytes),
          "cuFuncSetAttribute of " + name + ", " + bytes + " bytes of shared memory");
      sharedBytesAllowed = bytes;
    }
  }

  CUfunction function() {
    return function;
  }

  Context context() {
    return context;
  }

  @Override
  public String toString() {
    return name;
  }
}
