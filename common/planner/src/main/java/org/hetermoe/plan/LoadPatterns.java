package org.hetermoe.plan;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.hetermoe.model.InvalidFieldException;

/**
 * Loads of experts as real routers make them. Which experts are hot differs from layer to layer.
 */
public final class LoadPatterns {
  private static final long SEED = 1;

  private LoadPatterns() {}

  /**
   * Loads whose largest is so many times the mean, falling evenly from expert to expert.
   *
   * @param ratio of the largest to the mean, from 1 to the number of experts
   */
  public static ExpertLoads ratio(int layers, int experts, double ratio) {
    if (!(ratio >= 1 && ratio <= experts)) {
      throw new InvalidFieldException(
          "imbalance",
          "the ratio of largest to mean load must lie between 1 and the number of experts ("
              + experts
              + "), is "
              + ratio);
    }
    if (experts == 1) {
      return ExpertLoads.balanced(layers, experts);
    }
    double steep = findSteepness(experts, ratio);
    return shuffled(layers, curve(experts, steep));
  }

  /** Loads that fall as 1 / rank^exponent. */
  public static ExpertLoads zipf(int layers, int experts, double exponent) {
    if (!(exponent >= 0 && Double.isFinite(exponent))) {
      throw new InvalidFieldException(
          "imbalance", "the Zipf exponent must be 0 or more, is " + exponent);
    }
    return shuffled(
        layers,
        IntStream.rangeClosed(1, experts).mapToObj(rank -> Math.pow(rank, -exponent)).toList());
  }

  private static double findSteepness(int experts, double ratio) {
    double low = 0;
    double high = 1;
    while (largestToMean(curve(experts, high)) < ratio && high < 1e6) {
      high *= 2;
    }
    for (int turn = 0; turn < 100; turn++) {
      double middle = (low + high) / 2;
      if (largestToMean(curve(experts, middle)) < ratio) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return high;
  }

  private static List<Double> curve(int experts, double steep) {
    return IntStream.range(0, experts)
        .mapToObj(expert -> Math.pow(1 - (double) expert / experts, steep))
        .toList();
  }

  private static double largestToMean(List<Double> loads) {
    double sum = loads.stream().mapToDouble(Double::doubleValue).sum();
    return Collections.max(loads) * loads.size() / sum;
  }

  private static ExpertLoads shuffled(int layers, List<Double> loads) {
    Random random = new Random(SEED);
    List<List<Double>> all = new ArrayList<>();
    for (int layer = 0; layer < layers; layer++) {
      List<Double> shuffled = new ArrayList<>(loads);
      Collections.shuffle(shuffled, random);
      all.add(shuffled);
    }
    return new ExpertLoads(all);
  }
}
