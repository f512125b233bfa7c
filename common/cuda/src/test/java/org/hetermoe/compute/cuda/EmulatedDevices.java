package org.hetermoe.compute.cuda;

import java.util.List;
import org.hetermoe.compute.cuda.memory.MemoryPool;
import org.hetermoe.emulator.EmulatedCuda;

/** One emulated device of each generation. */
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
    return CudaRuntime.load();
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
