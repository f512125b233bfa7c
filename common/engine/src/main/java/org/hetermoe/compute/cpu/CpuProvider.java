package org.hetermoe.compute.cpu;

import org.hetermoe.compute.Compute;
import org.hetermoe.compute.ComputeProvider;
import org.hetermoe.compute.ComputeUnavailableException;

/** Makes the device {@code cpu}; it needs Linux on x86-64, for which oneDNN's natives are there. */
public final class CpuProvider implements ComputeProvider {
  @Override
  public String kind() {
    return "cpu";
  }

  @Override
  public Availability availability() {
    try {
      OneDnn.version();
      Lanes.whole(0);
      return new Availability.Available();
    } catch (LinkageError e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      return new Availability.Unavailable(
          "oneDNN or the Vector API does not load ("
              + cause
              + "); it needs Linux on x86-64 and --add-modules=jdk.incubator.vector");
    }
  }

  @Override
  public Compute open(String device, int threads) {
    ComputeProvider.requireOnly(kind(), device);
    if (threads < 1) {
      throw new ComputeUnavailableException("cpu needs at least one thread, not " + threads);
    }
    return new CpuCompute(threads);
  }
}
