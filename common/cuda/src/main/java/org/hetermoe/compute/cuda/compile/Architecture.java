package org.hetermoe.compute.cuda.compile;

import java.util.Comparator;

/** A compute capability: {@code sm_80} is 8.0. */
public record Architecture(int major, int minor) implements Comparable<Architecture> {
  /** Of the number that NVRTC and {@code __CUDA_ARCH__ / 10} use: 80 is 8.0, 120 is 12.0. */
  public static Architecture of(int number) {
    return new Architecture(number / 10, number % 10);
  }

  /** Both digits: 80. */
  public int number() {
    return major * 10 + minor;
  }

  /** Whether code that needs {@code other} may run here. */
  public boolean isAtLeast(Architecture other) {
    return compareTo(other) >= 0;
  }

  /** The real architecture, for machine code: {@code sm_80}. */
  @Override
  public String toString() {
    return "sm_" + number();
  }

  @Override
  public int compareTo(Architecture other) {
    return Comparator.comparingInt(Architecture::number).compare(this, other);
  }
}
