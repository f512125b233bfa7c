package org.hetermoe.compute.reference;

import org.hetermoe.compute.Operands;

/** Cross entropy. */
final class Losses {
  private Losses() {}

  static double logSumExp(Floats logits, int row) {
    double max = Double.NEGATIVE_INFINITY;
    for (int j = 0; j < logits.columns(); j++) {
      max = Math.max(max, logits.get(row, j));
    }
    double sum = 0;
    for (int j = 0; j < logits.columns(); j++) {
      sum += StrictMath.exp(logits.get(row, j) - max);
    }
    return max + StrictMath.log(sum);
  }

  static void forward(Floats logits, Ints targets, Floats losses, Floats logSumExp) {
    for (int t = 0; t < logits.rows(); t++) {
      double lse = logSumExp(logits, t);
      logSumExp.set(t, lse);
      int target = targets.get(t);
      losses.set(
          t,
          target < 0 ? 0 : lse - logits.get(t, Operands.index(target, logits.columns(), "target")));
    }
  }

  static void backward(Floats logits, Ints targets, Floats logSumExp, float scale, Floats dLogits) {
    for (int t = 0; t < logits.rows(); t++) {
      int target = targets.get(t);
      if (target >= 0) {
        Operands.index(target, logits.columns(), "target");
      }
      double lse = logSumExp.get(t);
      for (int j = 0; j < logits.columns(); j++) {
        double p = StrictMath.exp(logits.get(t, j) - lse);
        dLogits.set(t, j, target < 0 ? 0 : scale * (j == target ? p - 1 : p));
      }
    }
  }
}
