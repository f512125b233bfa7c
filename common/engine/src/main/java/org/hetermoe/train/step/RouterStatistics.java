package org.hetermoe.train.step;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.hetermoe.model.ModelConfig;

/**
 * What the load-balancing loss and the z-loss need of one micro-batch: sums over tokens and layers.
 * Each attention worker has its own; their sum, in the order of ranks, is the group's.
 */
public final class RouterStatistics {
  /** How ranks tell each other. */
  public static final MessageCodec<RouterStatistics> CODEC =
      new MessageCodec<>("router statistics", 1, RouterStatistics::write, RouterStatistics::read);

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
   * Gradient of each expert's probability, the same for every token and layer, with the scale of
   * the loss.
   *
   * @param batch the whole batch: micro-batches count by their share of its tokens
   */
  public float[] balanceGradient(ModelConfig model, BatchTotals batch) {
    float[] gradient = new float[counts.length];
    if (tokens > 0) {
      double rows = (double) tokens * model.layers();
      double perRow = model.balanceCoefficient() / ((double) batch.tokens() * model.layers());
      for (int expert = 0; expert < counts.length; expert++) {
        gradient[expert] =
            (float) (batch.lossScale() * (model.experts() * (counts[expert] / rows) * perRow));
      }
    }
    return gradient;
  }

  private void write(DataOutput out) throws IOException {
    out.writeLong(tokens);
    out.writeDouble(squaredLogSumExp);
    out.writeInt(counts.length);
    for (int expert = 0; expert < counts.length; expert++) {
      out.writeLong(counts[expert]);
      out.writeDouble(probabilities[expert]);
    }
  }

  private static RouterStatistics read(DataInput in) throws IOException {
    long tokens = in.readLong();
    double squaredLogSumExp = in.readDouble();
    RouterStatistics statistics = new RouterStatistics(in.readInt());
    statistics.tokens = tokens;
    statistics.squaredLogSumExp = squaredLogSumExp;
    for (int expert = 0; expert < statistics.counts.length; expert++) {
      statistics.counts[expert] = in.readLong();
      statistics.probabilities[expert] = in.readDouble();
    }
    return statistics;
  }
}
