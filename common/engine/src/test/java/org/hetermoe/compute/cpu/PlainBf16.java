package org.hetermoe.compute.cpu;

import org.hetermoe.compute.Compute;

/**
 * The processor's device in bf16 on any processor, for tests: with a plain product where it asks
 * for oneDNN's otherwise.
 */
public final class PlainBf16 {
  private PlainBf16() {}

  /** Starts one. The caller closes it. */
  public static Compute open(int threads) {
    return new CpuCompute(threads, ShortTypes.by(new WidenedProduct()));
  }
}
