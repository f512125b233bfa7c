package org.hetermoe.compute.cuda;

import java.nio.file.Path;
import java.util.List;
import org.hetermoe.compute.cuda.blas.Cublas;
import org.hetermoe.compute.cuda.compile.KernelCache;
import org.hetermoe.compute.cuda.compile.Nvrtc;
import org.hetermoe.compute.cuda.driver.Driver;
import org.hetermoe.compute.cuda.memory.MemoryPool;
import org.hetermoe.emulator.EmulatedCuda;

/** One emulated device of each generation; their kernels are kept under {@code target}. */
final class EmulatedDevices {
  /** Compute capabilities, by ordinal. */
  static final List<Integer> CAPABILITIES = List.of(70, 75, 80, 90);

  private EmulatedDevices() {}

  /** The emulator of this process. */
  static EmulatedCuda emulator() {
    return EmulatedCuda.start(70, 75, 80, 90);
  }

  /** The devices, and what they need. */
  static CudaRuntime runtime() {
    emulator();
    Driver driver = Driver.load();
    return new CudaRuntime(
        driver,
        Cublas.find(true),
        new KernelCache(Path.of("target", "kernels"), Nvrtc.find(), driver.version()));
  }

  /** A device whose pool keeps blocks, as in service. */
  static CudaCompute open(int capability) {
    return open(capability, MemoryPool.Sizing.CLASSES);
  }

  /** A device. */
  static CudaCompute open(int capability, MemoryPool.Sizing sizing) {
    CudaRuntime runtime = runtime();
    String ordinal = String.valueOf(CAPABILITIES.indexOf(capability));
    return new CudaCompute(runtime, runtime.device(ordinal), sizing);
  }
}
