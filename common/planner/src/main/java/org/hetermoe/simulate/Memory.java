package org.hetermoe.simulate;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Whether what devices need fits what they have. */
final class Memory {
  private static final double GIGA = 1e9;

  private Memory() {}

  /** What does not fit, and by how much; empty if all fits. */
  static Optional<String> shortage(List<StepTimeline.Row> rows) {
    return rows.stream()
        .filter(row -> !row.fits())
        .findFirst()
        .map(
            row ->
                String.format(
                    Locale.ROOT,
                    "%s (%s) needs %.1f GB and has %.1f GB",
                    row.name(),
                    row.device(),
                    row.memoryBytes() / GIGA,
                    row.capacityBytes() / GIGA));
  }

  /** The rows of simulated workers. */
  static List<StepTimeline.Row> rows(SimulatedWorkers workers) {
    return workers.all().stream()
        .map(
            worker ->
                StepTimeline.Row.of(
                    worker.worker().toString(), worker.costs(), worker.count(), worker.experts()))
        .toList();
  }
}
