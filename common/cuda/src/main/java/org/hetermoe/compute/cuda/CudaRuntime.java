package org.hetermoe.compute.cuda;

import java.nio.file.Path;
import org.hetermoe.compute.ComputeUnavailableException;
import org.hetermoe.compute.cuda.blas.Cublas;
import org.hetermoe.compute.cuda.compile.Architecture;
import org.hetermoe.compute.cuda.compile.KernelCache;
import org.hetermoe.compute.cuda.compile.Nvrtc;
import org.hetermoe.compute.cuda.driver.DeviceInfo;
import org.hetermoe.compute.cuda.driver.Driver;

/**
 * What devices of this kind need of the machine, loaded once per process and when first asked for.
 *
 * @param driver the driver, with one usable device at least
 * @param cublas for products
 * @param kernels compiles all else
 */
record CudaRuntime(Driver driver, Cublas cublas, KernelCache kernels) {
  /** The oldest generation with kernels: Volta. */
  static final Architecture OLDEST = new Architecture(7, 0);

  /**
   * System property: where compiled kernels are kept, instead of the user's directory of caches.
   */
  private static final String KERNELS = "hetermoe.cuda.kernels";

  private static final Architecture TURING = new Architecture(7, 5);
  private static final int CUDA_13 = 13_000;

  private static CudaRuntime loaded;

  /**
   * Loads it.
   *
   * @throws ComputeUnavailableException with a clause that says what is missing and what to install
   */
  static synchronized CudaRuntime load() {
    if (loaded == null) {
      Driver driver = Driver.load();
      requireDevice(driver);
      Nvrtc compiler = Nvrtc.find(driver.version(), architectures(driver));
      Cublas cublas = Cublas.find(needsCuda12(driver));
      loaded =
          new CudaRuntime(
              driver, cublas, new KernelCache(kernelDirectory(), compiler, driver.version()));
    }
    return loaded;
  }

  private static Path kernelDirectory() {
    String directory = System.getProperty(KERNELS);
    return directory == null ? KernelCache.defaultDirectory() : Path.of(directory);
  }

  private static void requireDevice(Driver driver) {
    if (driver.devices().isEmpty()) {
      throw new ComputeUnavailableException(
          "the NVIDIA driver sees no GPU (is CUDA_VISIBLE_DEVICES set, or the container without"
              + " GPUs?)");
    }
    if (driver.devices().stream().noneMatch(CudaRuntime::isUsable)) {
      throw new ComputeUnavailableException(
          "no GPU of compute capability 7.0 (V100) or newer; there is " + list(driver));
    }
  }

  static Architecture[] architectures(Driver driver) {
    return driver.devices().stream()
        .filter(CudaRuntime::isUsable)
        .map(CudaRuntime::architecture)
        .distinct()
        .toArray(Architecture[]::new);
  }

  /** Whether driver or devices are of generations that the libraries of CUDA 13 have dropped. */
  static boolean needsCuda12(Driver driver) {
    return driver.version() < CUDA_13
        || driver.devices().stream()
            .anyMatch(device -> isUsable(device) && !architecture(device).isAtLeast(TURING));
  }

  static Architecture architecture(DeviceInfo device) {
    return new Architecture(device.major(), device.minor());
  }

  static boolean isUsable(DeviceInfo device) {
    return architecture(device).isAtLeast(OLDEST);
  }

  /** All devices in words. */
  static String list(Driver driver) {
    return String.join(
        ", ",
        driver.devices().stream()
            .map(
                device ->
                    "cuda:%d (%s, compute capability %s, %s)"
                        .formatted(
                            device.ordinal(), device.name(), device.capability(), device.uuid()))
            .toList());
  }

  /**
   * The device of a selector: nothing for the first that is usable, an ordinal, or a UUID or its
   * beginning, as nvidia-smi prints it.
   *
   * @throws ComputeUnavailableException if there is none, and the message lists those that there
   *     are; or if it is too old for kernels, or too new for the compiler and the driver
   */
  DeviceInfo device(String selector) {
    DeviceInfo found =
        driver.devices().stream()
            .filter(device -> matches(device, selector))
            .findFirst()
            .orElseThrow(
                () ->
                    new ComputeUnavailableException(
                        "there is no cuda:" + selector + "; there is " + list(driver)));
    if (!isUsable(found)) {
      throw new ComputeUnavailableException(
          "%s has compute capability %s; 7.0 (V100) or newer is needed"
              .formatted(found.name(), found.capability()));
    }
    kernels.require(architecture(found));
    return found;
  }

  private static boolean matches(DeviceInfo device, String selector) {
    if (selector.isEmpty()) {
      return isUsable(device);
    }
    if (selector.startsWith("GPU-")) {
      return device.uuid().startsWith(selector);
    }
    return selector.equals(String.valueOf(device.ordinal()));
  }
}
