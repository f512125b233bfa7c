package org.hetermoe.plan;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * How much work each expert gets, relative to its layer's mean: all 1 where routing is balanced.
 *
 * @param relative per layer, per expert; a layer's mean is 1
 */
public record ExpertLoads(List<List<Double>> relative) {
  public ExpertLoads {
    List<List<Double>> copy = new ArrayList<>();
    for (List<Double> layer : relative) {
      boolean valid =
          layer.stream().allMatch(load -> load != null && load >= 0 && Double.isFinite(load));
      double sum = valid ? layer.stream().mapToDouble(Double::doubleValue).sum() : 0;
      if (!(sum > 0)) {
        throw new IllegalArgumentException(
            "loads of a layer must be 0 or more and not all 0, are " + layer);
      }
      copy.add(layer.stream().map(load -> load * layer.size() / sum).toList());
    }
    relative = Collections.unmodifiableList(copy);
  }

  /** Every expert gets the same. */
  public static ExpertLoads balanced(int layers, int experts) {
    return new ExpertLoads(Collections.nCopies(layers, Collections.nCopies(experts, 1.0)));
  }

  /** Load of one expert, relative to its layer's mean. */
  public double of(int layer, int expert) {
    return relative.get(layer).get(expert);
  }
}
