package org.hetermoe.compute.reference;

import org.hetermoe.compute.Compute;
import org.hetermoe.compute.ComputeProvider;
import org.hetermoe.compute.ComputeUnavailableException;

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
  public Compute open(int ordinal, int threads) {
    if (ordinal != 0) {
      throw new ComputeUnavailableException("there is only one reference device: reference:0");
    }
    return new ReferenceCompute();
  }
}
