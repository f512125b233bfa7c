package org.hetermoe.plan;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/**
 * How much work each expert gets, relative to its layer's mean: all 1 where routing is balanced.
 */
public final class ExpertLoads {
  /** A load above its layer's mean, rounding aside. */
  private static final double HOT = 1 + 1e-9;

  private final List<List<Double>> relative;

  /** By number of experts, the load of the hottest of a layer, the hottest layer's; from none. */
  private final double[] hottest;

  /**
   * Loads in any unit.
   *
   * @param loads per layer, per expert
   */
  public ExpertLoads(List<List<Double>> loads) {
    List<List<Double>> copy = new ArrayList<>();
    int most = 0;
    for (List<Double> layer : loads) {
      boolean valid =
          layer.stream().allMatch(load -> load != null && load >= 0 && Double.isFinite(load));
      double sum = valid ? layer.stream().mapToDouble(Double::doubleValue).sum() : 0;
      if (!(sum > 0)) {
        throw new IllegalArgumentException(
            "loads of a layer must be 0 or more and not all 0, are " + layer);
      }
      copy.add(layer.stream().map(load -> load * layer.size() / sum).toList());
      most = Math.max(most, layer.size());
    }
    relative = Collections.unmodifiableList(copy);
    hottest = new double[most + 1];
    for (List<Double> layer : relative) {
      List<Double> falling = layer.stream().sorted(Comparator.reverseOrder()).toList();
      double sum = 0;
      for (int count = 1; count <= falling.size(); count++) {
        sum += falling.get(count - 1);
        hottest[count] = Math.max(hottest[count], sum);
      }
    }
  }

  /** Every expert gets the same. */
  public static ExpertLoads balanced(int layers, int experts) {
    return new ExpertLoads(Collections.nCopies(layers, Collections.nCopies(experts, 1.0)));
  }

  /** Per layer, per expert; a layer's mean is 1. */
  public List<List<Double>> relative() {
    return relative;
  }

  /** Load of one expert, relative to its layer's mean. */
  public double of(int layer, int expert) {
    return relative.get(layer).get(expert);
  }

  /** Whether every expert gets the same. */
  public boolean isBalanced() {
    return hottest.length < 2 || hottest[1] <= HOT;
  }

  /** Mean load of so many experts of a layer, if they are the hottest of the hottest layer. */
  public double hottestMean(int experts) {
    int count = Math.clamp(experts, 1, hottest.length - 1);
    return isBalanced() ? 1 : hottest[count] / count;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ExpertLoads loads && relative.equals(loads.relative);
  }

  @Override
  public int hashCode() {
    return relative.hashCode();
  }

  @Override
  public String toString() {
    return relative.toString();
  }
}
