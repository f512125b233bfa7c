package org.hetermoe.compute.cpu;

import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.tensor.DType;

/** Prints why the device has no bf16, or that it has. */
final class PrintedRefusal {
  /** Printed where there is bf16. */
  static final String NONE = "none";

  private PrintedRefusal() {}

  public static void main(String[] args) {
    try (Compute compute = Devices.open("cpu", 1)) {
      System.out.print(compute.refusal(DType.BF16).orElse(NONE) + "\n");
    }
  }
}
