package org.hetermoe.compute.cuda;

import org.hetermoe.compute.Compute;
import org.hetermoe.compute.ComputeUnavailableException;
import org.hetermoe.compute.Devices;
import org.hetermoe.compute.cuda.compile.KernelSource;
import org.hetermoe.compute.cuda.driver.CudaException;
import org.hetermoe.compute.cuda.memory.MemoryPool;

/** What a process of its own finds: opens each device that it is told, prints what came of it. */
final class DeviceProbe {
  /** Not a name of a device: breaks one, to see what is said. */
  static final String BREAK = "--break";

  private DeviceProbe() {}

  public static void main(String[] names) {
    for (String name : names) {
      if (name.equals(BREAK)) {
        breakDevice();
        continue;
      }
      try (Compute compute = Devices.open(name, 1)) {
        System.out.println(compute.description());
      } catch (ComputeUnavailableException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  /** A kernel that leaves its memory, and what every call says from then on. */
  private static void breakDevice() {
    CudaRuntime runtime = CudaRuntime.load();
    CudaDevice device =
        new CudaDevice(
            runtime.driver(), runtime.device(""), runtime.kernels(), MemoryPool.Sizing.CLASSES);
    KernelSource source =
        KernelSource.text(
            "stray.cu", "extern \"C\" __global__ void stray(int* x) { x[1 << 20] = 1; }");
    device.work().of(device.kernels().get(source, "stray")).pointer(64).run(1, 1);
    for (int attempt = 0; attempt < 2; attempt++) {
      try {
        device.synchronize();
        System.out.println("nothing was noticed");
      } catch (CudaException e) {
        System.out.println(e.getMessage());
      }
    }
  }
}
