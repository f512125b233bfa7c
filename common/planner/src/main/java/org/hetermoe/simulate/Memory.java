package org.hetermoe.simulate;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.ReplicatedPlacement;

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

  /** The rows of workers with the experts of a placement. */
  static List<StepTimeline.Row> rows(
      GroupCosts costs, SimulatedWorkers workers, ReplicatedPlacement placement) {
    long[] bytes = costs.memoryBytes(placement);
    return workers.all().stream().map(worker -> row(costs, worker, bytes)).toList();
  }

  private static StepTimeline.Row row(GroupCosts costs, SimulatedWorker worker, long[] bytes) {
    WorkerRank first = worker.worker();
    int index = worker.attends() ? first.rank() : costs.attention().size() + first.rank();
    return new StepTimeline.Row(
        first.toString(),
        worker.costs().device(),
        worker.count(),
        bytes[index],
        worker.costs().memoryBytes());
  }
}
