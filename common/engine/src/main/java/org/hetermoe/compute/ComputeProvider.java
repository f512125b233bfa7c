package org.hetermoe.compute;

import org.hetermoe.tensor.TransferMemory;

/**
 * Makes the devices of one kind; found through {@link java.util.ServiceLoader}. A name is a kind,
 * with which of its devices after a colon where there may be several: {@code cpu}, {@code
 * reference}, {@code cuda:0}.
 */
public interface ComputeProvider {
  /** The kind this provider answers to: {@code cpu}. */
  String kind();

  /** Whether it can start here; if not, why, as a clause for the user. */
  Availability availability();

  /**
   * Starts the device.
   *
   * @param device which device of this kind: its number from 0, another name that the kind knows,
   *     or empty for the first
   * @param threads host threads it may use, at least 1
   * @throws ComputeUnavailableException if it cannot start
   */
  Compute open(String device, int threads);

  /**
   * The host memory that a device copies from and to at full speed.
   *
   * @param device as for {@link #open}
   * @throws ComputeUnavailableException if there is no such device
   */
  default TransferMemory transferMemory(String device) {
    return TransferMemory.PLAIN;
  }

  /**
   * For kinds of which a machine has one device.
   *
   * @throws ComputeUnavailableException if {@code device} is neither empty nor 0
   */
  static void requireOnly(String kind, String device) {
    if (!device.isEmpty() && !device.equals("0")) {
      throw new ComputeUnavailableException(
          "there is only one " + kind + " device: " + kind + ":0");
    }
  }

  /** Whether a kind of device can start here. */
  sealed interface Availability {
    /** It can. */
    record Available() implements Availability {}

    /** It cannot, because of {@code reason}. */
    record Unavailable(String reason) implements Availability {}
  }
}
