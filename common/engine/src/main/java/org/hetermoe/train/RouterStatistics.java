package org.hetermoe.train;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.hetermoe.model.ModelConfig;

/**
 * What the load-balancing loss and the z-loss need of one micro-batch: sums over tokens and layers.
 * Each attention worker has its own; their sum, in the order of ranks, is the group's.
 */
public final class RouterStatistics {
  private long tokens;
  private final long[] counts;
  private final double[] probabilities;
  private double squaredLogSumExp;

  /** Of nothing yet. */
  public RouterStatistics(int experts) {
    counts = new long[experts];
    probabilities = new double[experts];
  }

  /** Adds tokens of the micro-batch; once, not per layer. */
  public void addTokens(int count) {
    tokens += count;
  }

  /**
   * Adds what one layer routed.
   *
   * @param expertCounts assignments per expert
   * @param probabilitySums sum of the router's probabilities per expert
   * @param logSumExps of each token's router logits
   */
  public void addLayer(int[] expertCounts, float[] probabilitySums, float[] logSumExps) {
    for (int expert = 0; expert < counts.length; expert++) {
      counts[expert] += expertCounts[expert];
      probabilities[expert] += probabilitySums[expert];
    }
    for (float logSumExp : logSumExps) {
      squaredLogSumExp += (double) logSumExp * logSumExp;
    }
  }

  /** Adds another worker's. */
  public void add(RouterStatistics other) {
    tokens += other.tokens;
    for (int expert = 0; expert < counts.length; expert++) {
      counts[expert] += other.counts[expert];
      probabilities[expert] += other.probabilities[expert];
    }
    squaredLogSumExp += other.squaredLogSumExp;
  }

  /** Tokens of the micro-batch. */
  public long tokens() {
    return tokens;
  }

  /**
   * The load-balancing loss as Hugging Face computes it over the gate logits of all layers
   * together: {@code E * sum over e of f_e * P_e}, f_e the assignments per token and layer, P_e the
   * mean probability.
   */
  public double balanceLoss(ModelConfig model) {
    if (tokens == 0) {
      return 0;
    }
    double rows = (double) tokens * model.layers();
    double sum = 0;
    for (int expert = 0; expert < counts.length; expert++) {
      sum += counts[expert] / rows * (probabilities[expert] / rows);
    }
    return model.experts() * sum;
  }

  /** Mean of the squared log-sum-exp of the router's logits. */
  public double zLoss(ModelConfig model) {
    return tokens == 0 ? 0 : squaredLogSumExp / ((double) tokens * model.layers());
  }

  /**
   * Gradient of each expert's probability, the same for every token and layer.
   *
   * @param batchTokens tokens of the whole batch: micro-batches count by their share of it
   */
  public float[] balanceGradient(ModelConfig model, long batchTokens) {
    float[] gradient = new float[counts.length];
    if (tokens > 0) {
      double rows = (double) tokens * model.layers();
      double perRow = model.balanceCoefficient() / ((double) batchTokens * model.layers());
      for (int expert = 0; expert < counts.length; expert++) {
        gradient[expert] = (float) (model.experts() * (counts[expert] / rows) * perRow);
      }
    }
    return gradient;
  }

  /** Integers that {@link #write} needs. */
  static int tableSize(int experts) {
    return 2 * (2 + 2 * experts);
  }

  void write(MemorySegment table) {
    table.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, tokens);
    table.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8, squaredLogSumExp);
    for (int expert = 0; expert < counts.length; expert++) {
      table.set(ValueLayout.JAVA_LONG_UNALIGNED, 16 + 16L * expert, counts[expert]);
      table.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, 24 + 16L * expert, probabilities[expert]);
    }
  }

  static RouterStatistics read(MemorySegment table, int experts) {
    RouterStatistics statistics = new RouterStatistics(experts);
    statistics.tokens = table.get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
    statistics.squaredLogSumExp = table.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8);
    for (int expert = 0; expert < experts; expert++) {
      statistics.counts[expert] = table.get(ValueLayout.JAVA_LONG_UNALIGNED, 16 + 16L * expert);
      statistics.probabilities[expert] =
          table.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 24 + 16L * expert);
    }
    return statistics;
  }
}
