package org.hetermoe.compute;

import org.hetermoe.tensor.TransferMemory;

/**
 * Makes the devices of one kind; found through {@link java.util.ServiceLoader}. A name is a kind
 * with an optional ordinal: {@code cpu}, {@code reference}, {@code cuda:0}.
 */
public interface ComputeProvider {
  /** The kind this provider answers to: {@code cpu}. */
  String kind();

  /** Whether it can start here; if not, why, as a clause for the user. */
  Availability availability();

  /**
   * Starts the device.
   *
   * @param ordinal which device of this kind, from 0
   * @param threads host threads it may use, at least 1
   * @throws ComputeUnavailableException if it cannot start
   */
  Compute open(int ordinal, int threads);

  /** The host memory that devices of this kind copy from and to at full speed. */
  default TransferMemory transferMemory() {
    return TransferMemory.PLAIN;
  }

  /** Whether a kind of device can start here. */
  sealed interface Availability {
    /** It can. */
    record Available() implements Availability {}

    /** It cannot, because of {@code reason}. */
    record Unavailable(String reason) implements Availability {}
  }
}
