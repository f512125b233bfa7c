package org.hetermoe.compute.reference;

/** The choice of experts for each token, and its gradient. */
final class Router {
  private Router() {}

  static void forward(
      Floats logits, Floats probabilities, Floats logSumExp, Ints experts, Floats weights) {
    int e = logits.columns();
    int k = weights.columns();
    for (int t = 0; t < logits.rows(); t++) {
      double lse = Losses.logSumExp(logits, t);
      logSumExp.set(t, lse);
      for (int j = 0; j < e; j++) {
        probabilities.set(t, j, StrictMath.exp(logits.get(t, j) - lse));
      }
      boolean[] chosen = new boolean[e];
      double sum = 0;
      for (int s = 0; s < k; s++) {
        int best = -1;
        for (int j = 0; j < e; j++) {
          if (!chosen[j] && (best < 0 || logits.get(t, j) > logits.get(t, best))) {
            best = j;
          }
        }
        chosen[best] = true;
        experts.set((long) t * k + s, best);
        sum += probabilities.get(t, best);
      }
      for (int s = 0; s < k; s++) {
        weights.set(t, s, probabilities.get(t, experts.get((long) t * k + s)) / sum);
      }
    }
  }

  static void backward(
      Floats probabilities,
      Floats logSumExp,
      Ints experts,
      Floats weights,
      Floats dWeights,
      Floats balance,
      float zScale,
      Floats dLogits) {
    int e = probabilities.columns();
    int k = weights.columns();
    double[] dProbabilities = new double[e];
    for (int t = 0; t < probabilities.rows(); t++) {
      double chosenMass = 0;
      double weighted = 0;
      for (int s = 0; s < k; s++) {
        chosenMass += probabilities.get(t, experts.get((long) t * k + s));
        weighted += weights.get(t, s) * dWeights.get(t, s);
      }
      for (int j = 0; j < e; j++) {
        dProbabilities[j] = balance.get(j);
      }
      for (int s = 0; s < k; s++) {
        dProbabilities[experts.get((long) t * k + s)] +=
            (dWeights.get(t, s) - weighted) / chosenMass;
      }
      double dot = 0;
      for (int j = 0; j < e; j++) {
        dot += probabilities.get(t, j) * dProbabilities[j];
      }
      double z = 2.0 * zScale * logSumExp.get(t);
      for (int j = 0; j < e; j++) {
        dLogits.set(t, j, probabilities.get(t, j) * (dProbabilities[j] - dot + z));
      }
    }
  }

  static void columnSums(Floats x, Floats sums) {
    for (int j = 0; j < x.columns(); j++) {
      double sum = 0;
      for (int t = 0; t < x.rows(); t++) {
        sum += x.get(t, j);
      }
      sums.set(j, sum);
    }
  }
}
