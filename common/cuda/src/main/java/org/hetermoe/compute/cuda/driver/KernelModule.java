package org.hetermoe.compute.cuda.driver;

import java.util.Arrays;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;

/** Loaded kernels. */
public final class KernelModule implements AutoCloseable {
  private final Context context;
  private final String name;
  private final CUmodule handle = new CUmodule();

  KernelModule(Context context, byte[] image, String name) {
    this.context = context;
    this.name = name;
    context.makeCurrent();
    // PTX is read up to a NUL, which the compiler may have left out.
    byte[] terminated = Arrays.copyOf(image, image.length + 1);
    context.check(JCudaDriver.cuModuleLoadData(handle, terminated), "cuModuleLoadData of " + name);
  }

  /**
   * A kernel by its name.
   *
   * @throws CudaException if there is none
   */
  public Kernel kernel(String kernel) {
    context.makeCurrent();
    CUfunction function = new CUfunction();
    context.check(
        JCudaDriver.cuModuleGetFunction(function, handle, kernel),
        "cuModuleGetFunction of " + kernel + " in " + name);
    return new Kernel(context, kernel, function);
  }

  /** Unloads the kernels. */
  @Override
  public void close() {
    context.makeCurrent();
    context.check(JCudaDriver.cuModuleUnload(handle), "cuModuleUnload");
  }
}
