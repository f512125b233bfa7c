package org.hetermoe.benchmark.gpu;

import java.util.List;

/**
 * One line of the benchmark's output.
 *
 * @param group what belongs together: {@code step}, {@code attention}, {@code memory}, {@code
 *     product}, {@code share}
 * @param name what was timed; PyTorch's counterpart has the same group and name
 * @param type element type
 * @param seconds of one call, or of one step
 * @param rate in {@code unit}
 * @param losses of the steps, where there are any
 */
record Result(
    String group,
    String name,
    String type,
    double seconds,
    double rate,
    String unit,
    List<Double> losses) {
  static Result of(
      String group, String name, String type, double seconds, double amount, String unit) {
    return new Result(group, name, type, seconds, amount / seconds, unit, List.of());
  }
}
