package org.hetermoe.cli.simulate;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.hetermoe.simulate.Comparison;
import org.hetermoe.simulate.SystemResult;

/** What the simulate command prints for people: a line for each system. */
final class SystemTable {
  private static final double GIGA = 1e9;

  private SystemTable() {}

  static void print(
      PrintWriter out,
      String model,
      int length,
      Comparison comparison,
      List<SystemResult> results) {
    out.printf(
        Locale.ROOT,
        "%s, %d tokens a sequence, %d sequences a step; attention on %s, experts on %s%n%n",
        model,
        length,
        comparison.sequences(),
        counts(comparison.attention()),
        counts(comparison.expert()));
    out.printf(
        "%-20s %12s %9s %4s %7s  %-26s %-26s %s%n",
        "system", "tokens/s", "step s", "R", "bound", "busy", "memory", "experts moved");
    results.forEach(result -> print(out, result));
  }

  private static void print(PrintWriter out, SystemResult result) {
    switch (result) {
      case SystemResult.Trained trained ->
          out.printf(
              Locale.ROOT,
              "%-20s %,12.0f %9.3f %4d %7s  %-26s %-26s %s%n",
              trained.system().label(),
              trained.tokensPerSecond(),
              trained.stepSeconds(),
              trained.microBatches(),
              trained.boundFraction() > 0 ? percent(trained.boundFraction()) : "",
              each(trained.busy(), SystemTable::percent),
              each(
                  trained.memoryBytes(),
                  bytes -> String.format(Locale.ROOT, "%.1f GB", bytes / GIGA)),
              trained.expertsMoved().isEmpty() ? "" : trained.expertsMoved());
      case SystemResult.Infeasible infeasible ->
          out.printf("%-20s %s%n", infeasible.system().label(), infeasible.reason());
    }
  }

  private static String counts(Map<String, Integer> devices) {
    return devices.isEmpty()
        ? "nothing"
        : devices.entrySet().stream()
            .map(entry -> entry.getValue() + " " + entry.getKey())
            .collect(Collectors.joining(" + "));
  }

  private static <T> String each(Map<String, T> byKind, Function<T, String> text) {
    return byKind.entrySet().stream()
        .map(entry -> entry.getKey() + " " + text.apply(entry.getValue()))
        .collect(Collectors.joining(", "));
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.0f %%", 100 * share);
  }
}
