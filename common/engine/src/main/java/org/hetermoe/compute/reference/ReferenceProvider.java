package org.hetermoe.compute.reference;

import org.hetermoe.compute.Compute;
import org.hetermoe.compute.ComputeProvider;

/** Makes the device {@code reference}. It starts everywhere and uses one thread. */
public final class ReferenceProvider implements ComputeProvider {
  @Override
  public String kind() {
    return "reference";
  }

  @Override
  public Availability availability() {
    return new Availability.Available();
  }

  @Override
  public Compute open(String device, int threads) {
    ComputeProvider.requireOnly(kind(), device);
    return new ReferenceCompute();
  }
}
