package org.hetermoe.coordinator.rebalance;

import java.util.Locale;

/**
 * Whether to move experts: only if the steps that are left become faster by more than a threshold,
 * the move's own time spread over them.
 *
 * @param threshold share of the step time that a move must promise to save, beyond which it is made
 */
record RebalancePolicy(double threshold) {

  /**
   * What a move would bring.
   *
   * @param currentSeconds predicted step with experts where they are, under the loads of now
   * @param nextSeconds predicted step with experts moved
   * @param moveSeconds that the move takes
   * @param stepsLeft steps that profit
   */
  record Prospect(double currentSeconds, double nextSeconds, double moveSeconds, int stepsLeft) {
    /** Share of the step time that is saved, the move paid for; negative for a loss. */
    double gain() {
      return stepsLeft < 1
          ? Double.NEGATIVE_INFINITY
          : 1 - (nextSeconds + moveSeconds / stepsLeft) / currentSeconds;
    }

    /** For people. */
    String summary() {
      return String.format(
          Locale.ROOT,
          "%.4f s a step instead of %.4f s; moving takes %.3f s, %d steps are left",
          nextSeconds,
          currentSeconds,
          moveSeconds,
          stepsLeft);
    }
  }

  boolean pays(Prospect prospect) {
    return prospect.gain() > threshold;
  }
}
