package org.hetermoe.compute.cuda;

import org.hetermoe.compute.Compute;
import org.hetermoe.compute.ComputeProvider;
import org.hetermoe.compute.ComputeUnavailableException;
import org.hetermoe.compute.cuda.driver.DeviceInfo;
import org.hetermoe.compute.cuda.memory.MemoryPool;
import org.hetermoe.compute.cuda.memory.PinnedMemory;
import org.hetermoe.tensor.TransferMemory;

/**
 * Makes the devices {@code cuda}, {@code cuda:1}, {@code cuda:GPU-<uuid>}. Nothing native is loaded
 * before the first question about them.
 */
public final class CudaProvider implements ComputeProvider {
  @Override
  public String kind() {
    return "cuda";
  }

  @Override
  public Availability availability() {
    try {
      CudaRuntime.load();
      return new Availability.Available();
    } catch (ComputeUnavailableException e) {
      return new Availability.Unavailable(e.getMessage());
    } catch (LinkageError e) {
      return new Availability.Unavailable("a CUDA library does not load (" + e + ")");
    }
  }

  @Override
  public Compute open(String device, int threads) {
    CudaRuntime runtime = CudaRuntime.load();
    return new CudaCompute(runtime, runtime.device(device), MemoryPool.Sizing.CLASSES);
  }

  @Override
  public TransferMemory transferMemory(String device) {
    CudaRuntime runtime = CudaRuntime.load();
    DeviceInfo info = runtime.device(device);
    return new PinnedMemory(() -> runtime.driver().open(info));
  }
}
