package org.hetermoe.simulate;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.hetermoe.group.Placement;
import org.hetermoe.plan.CostModel;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.ReplicatedPlacement;
import org.hetermoe.plan.StepSpec;
import org.hetermoe.plan.place.NoPlacement;
import org.hetermoe.plan.place.PlacementResult;
import org.hetermoe.plan.place.PlannedPlacement;
import org.hetermoe.plan.place.Planner;
import org.hetermoe.plan.place.WorkBound;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.schedule.Schedule;
import org.hetermoe.schedule.ZebraSchedule;

/**
 * HeterMoE: a ZP group in the zebra schedule, with or without experts on attention workers. The
 * number of micro-batches is tuned.
 */
final class GroupTraining implements TrainingSystem {
  private static final int MAX_MICRO_BATCHES = 64;
  private static final int MAX_ROWS = 16;

  private final SystemKind system;
  private final Simulator simulator = new Simulator();

  GroupTraining(SystemKind system) {
    this.system = system;
  }

  @Override
  public SystemResult train(Scenario scenario, int sequences) {
    if (scenario.expert().isEmpty()) {
      return new SystemResult.Infeasible(system, "no device is left for the experts");
    }
    Found best = null;
    String reason = "no number of micro-batches divides " + sequences + " sequences";
    for (int microBatches : microBatches(scenario, sequences)) {
      GroupCosts costs = costs(scenario, sequences, microBatches);
      Schedule order = new ZebraSchedule(costs.layers(), microBatches);
      switch (place(scenario, costs, order)) {
        case NoPlacement none -> reason = none.reason();
        case PlannedPlacement planned -> {
          SimulatedWorkers simulated = new SimulatedWorkers(costs, planned.replicated(), true);
          Optional<String> shortage =
              Memory.shortage(Memory.rows(costs, simulated, planned.replicated()));
          if (shortage.isPresent()) {
            reason = shortage.get();
          } else {
            double seconds = Simulator.execute(costs, simulated, order).seconds;
            if (best == null || seconds < best.seconds()) {
              best = new Found(costs, order, planned.replicated(), seconds);
            }
          }
        }
      }
    }
    return best == null
        ? new SystemResult.Infeasible(system, reason)
        : trained(best, (double) sequences * scenario.length());
  }

  /** What a number of micro-batches comes to. */
  private record Found(
      GroupCosts costs, Schedule order, ReplicatedPlacement replicated, double seconds) {}

  private SystemResult.Trained trained(Found found, double tokens) {
    int workers = found.costs().attention().size() + found.costs().expert().size();
    Placement placement = found.replicated().placement();
    // A row for each worker, as long as a person can read that many.
    SimulatedWorkers simulated =
        new SimulatedWorkers(found.costs(), found.replicated(), workers > MAX_ROWS);
    return new SystemResult.Trained(
        system,
        tokens / found.seconds(),
        found.seconds(),
        found.costs().microBatches(),
        IntStream.range(0, placement.layers()).mapToObj(placement::moved).toList(),
        WorkBound.of(found.costs()) / found.seconds(),
        found.replicated().replicas(),
        List.of(
            StepTimeline.of(
                Simulator.execute(found.costs(), simulated, found.order()),
                Memory.rows(found.costs(), simulated, found.replicated()))));
  }

  private PlacementResult place(Scenario scenario, GroupCosts costs, Schedule order) {
    Planner planner =
        system == SystemKind.HETERMOE
            ? scenario.planner()
            : Planner.of(PlannerKind.NONE, false, simulator);
    return planner.place(costs, order);
  }

  private static GroupCosts costs(Scenario scenario, int sequences, int microBatches) {
    StepSpec step = scenario.step(sequences / microBatches, microBatches);
    return CostModel.of(step, scenario.attention(), scenario.expert());
  }

  private List<Integer> microBatches(Scenario scenario, int sequences) {
    if (scenario.microBatches() > 0) {
      return sequences % scenario.microBatches() == 0
          ? List.of(scenario.microBatches())
          : List.of();
    }
    List<Integer> counts = new ArrayList<>();
    for (int count = 1; count <= Math.min(sequences, MAX_MICRO_BATCHES); count++) {
      boolean everybodyAttends = sequences / count >= scenario.attention().size();
      if (sequences % count == 0 && (count == 1 || everybodyAttends)) {
        counts.add(count);
      }
    }
    return counts;
  }

  @Override
  public boolean fits(Scenario scenario, int sequences) {
    if (scenario.expert().isEmpty()) {
      return false;
    }
    Planner planner =
        Planner.of(
            PlannerKind.PAPER, system == SystemKind.HETERMOE, (costs, order, placement) -> 1);
    return microBatches(scenario, sequences).stream()
        .map(microBatches -> costs(scenario, sequences, microBatches))
        .map(costs -> planner.place(costs, new ZebraSchedule(costs.layers(), costs.microBatches())))
        .anyMatch(PlannedPlacement.class::isInstance);
  }
}
