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
  static Optional<String> shortage(List<Simulation.Row> rows) {
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

  /** The rows of a crew with the experts of a placement. */
  static List<Simulation.Row> rows(GroupCosts costs, Crew crew, ReplicatedPlacement placement) {
    long[] bytes = costs.memoryBytes(placement);
    return crew.members().stream().map(member -> row(costs, member, bytes)).toList();
  }

  private static Simulation.Row row(GroupCosts costs, Crew.Member member, long[] bytes) {
    WorkerRank first = member.worker();
    int index = member.attends() ? first.rank() : costs.attention().size() + first.rank();
    return new Simulation.Row(
        first.toString(),
        member.costs().device(),
        member.size(),
        bytes[index],
        member.costs().memoryBytes());
  }
}
