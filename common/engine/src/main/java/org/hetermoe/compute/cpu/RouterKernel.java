package org.hetermoe.compute.cpu;

import org.hetermoe.compute.Operands;

/** The choice of experts, over rows [from, to). */
final class RouterKernel {
  private RouterKernel() {}

  static void forward(
      long logits,
      long probabilities,
      long logSumExp,
      long experts,
      long weights,
      int columns,
      int k,
      int from,
      int to) {
    boolean[] chosen = new boolean[columns];
    for (int t = from; t < to; t++) {
      long row = logits + 4L * t * columns;
      long p = probabilities + 4L * t * columns;
      float max = SoftmaxKernel.max(row, columns);
      float sum = SoftmaxKernel.exp(row, p, columns, max);
      ElementKernel.scale(p, 1f / sum, p, columns);
      Lanes.put(logSumExp + 4L * t, max + (float) StrictMath.log(sum));
      float mass = 0f;
      for (int s = 0; s < k; s++) {
        int best = best(row, columns, chosen);
        chosen[best] = true;
        Lanes.putInt(experts + 4L * ((long) t * k + s), best);
        mass += Lanes.get(p + 4L * best);
      }
      for (int s = 0; s < k; s++) {
        long slot = 4L * ((long) t * k + s);
        int expert = Lanes.getInt(experts + slot);
        Lanes.put(weights + slot, Lanes.get(p + 4L * expert) / mass);
        chosen[expert] = false;
      }
    }
  }

  private static int best(long row, int columns, boolean[] chosen) {
    int best = -1;
    float largest = 0f;
    for (int j = 0; j < columns; j++) {
      float logit = Lanes.get(row + 4L * j);
      if (!chosen[j] && (best < 0 || logit > largest)) {
        best = j;
        largest = logit;
      }
    }
    return best;
  }

  static void backward(
      long probabilities,
      long logSumExp,
      long experts,
      long weights,
      long dWeights,
      long balance,
      float zScale,
      long dLogits,
      int columns,
      int k,
      int from,
      int to) {
    float[] dProbabilities = new float[columns];
    for (int t = from; t < to; t++) {
      long p = probabilities + 4L * t * columns;
      float mass = 0f;
      float weighted = 0f;
      for (int s = 0; s < k; s++) {
        long slot = 4L * ((long) t * k + s);
        int expert = Operands.index(Lanes.getInt(experts + slot), columns, "expert");
        mass += Lanes.get(p + 4L * expert);
        weighted += Lanes.get(weights + slot) * Lanes.get(dWeights + slot);
      }
      for (int j = 0; j < columns; j++) {
        dProbabilities[j] = Lanes.get(balance + 4L * j);
      }
      for (int s = 0; s < k; s++) {
        long slot = 4L * ((long) t * k + s);
        dProbabilities[Lanes.getInt(experts + slot)] +=
            (Lanes.get(dWeights + slot) - weighted) / mass;
      }
      float dot = 0f;
      for (int j = 0; j < columns; j++) {
        dot += Lanes.get(p + 4L * j) * dProbabilities[j];
      }
      float z = 2f * zScale * Lanes.get(logSumExp + 4L * t);
      for (int j = 0; j < columns; j++) {
        float gradient = Lanes.get(p + 4L * j) * (dProbabilities[j] - dot + z);
        Lanes.put(dLogits + 4L * ((long) t * columns + j), gradient);
      }
    }
  }
}
