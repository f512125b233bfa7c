package org.hetermoe.run;

import java.util.stream.DoubleStream;

/** The middle of some measurements. */
public final class Median {
  private Median() {}

  /**
   * The median; of an even number, the mean of the two in the middle.
   *
   * @param values at least one
   */
  public static double of(DoubleStream values) {
    double[] sorted = values.sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
