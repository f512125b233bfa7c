package org.hetermoe.simulate;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.hetermoe.plan.CostModel;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Placement;
import org.hetermoe.plan.PlannerKind;
import org.hetermoe.plan.Schedule;
import org.hetermoe.plan.ScheduleKind;
import org.hetermoe.plan.place.NoPlacement;
import org.hetermoe.plan.place.PlannedPlacement;
import org.hetermoe.plan.place.Planner;
import org.hetermoe.plan.place.Planning;
import org.hetermoe.plan.place.WorkBound;

/**
 * Attention and experts on different devices: HeterMoE, and DistEP, where one side waits while the
 * other works. The number of micro-batches is tuned.
 */
final class GroupTraining implements TrainingSystem {
  private static final int MOST_MICRO_BATCHES = 64;

  private final SystemKind system;
  private final ScheduleKind schedule;
  private final Simulator simulator = new Simulator();

  GroupTraining(SystemKind system) {
    this.system = system;
    schedule = system == SystemKind.DISTEP ? ScheduleKind.SEQUENTIAL : ScheduleKind.ZEBRA;
  }

  @Override
  public Outcome train(Scenario scenario, int sequences) {
    if (scenario.expert().isEmpty()) {
      return new Outcome.Impossible(system, "no device is left for the experts");
    }
    Outcome.Trained best = null;
    String reason = "no number of micro-batches divides " + sequences + " sequences";
    for (int microBatches : microBatches(scenario, sequences)) {
      GroupCosts costs = costs(scenario, sequences, microBatches);
      Schedule order = schedule.schedule(costs.layers(), microBatches);
      Placement placement;
      switch (place(scenario, costs, order)) {
        case NoPlacement none -> {
          reason = none.reason();
          continue;
        }
        case PlannedPlacement planned -> placement = planned.placement();
      }
      Crew crew = new Crew(costs, placement, true);
      Optional<String> shortage = Memory.shortage(Memory.rows(crew));
      if (shortage.isPresent()) {
        reason = shortage.get();
        continue;
      }
      Execution execution = Simulator.execute(costs, crew, order);
      if (best == null || execution.seconds < best.stepSeconds()) {
        best = trained(scenario, sequences, costs, placement, crew, execution);
      }
    }
    return best == null ? new Outcome.Impossible(system, reason) : best;
  }

  private Outcome.Trained trained(
      Scenario scenario,
      int sequences,
      GroupCosts costs,
      Placement placement,
      Crew crew,
      Execution execution) {
    return new Outcome.Trained(
        system,
        (double) sequences * scenario.length() / execution.seconds,
        execution.seconds,
        costs.microBatches(),
        IntStream.range(0, placement.layers()).mapToObj(placement::moved).toList(),
        WorkBound.of(costs) / execution.seconds,
        List.of(Simulation.of(execution, Memory.rows(crew))));
  }

  private Planning place(Scenario scenario, GroupCosts costs, Schedule order) {
    Planner planner =
        system == SystemKind.HETERMOE
            ? scenario.planner()
            : Planner.of(PlannerKind.NONE, false, simulator);
    return planner.place(costs, order);
  }

  private static GroupCosts costs(Scenario scenario, int sequences, int microBatches) {
    return CostModel.of(
        scenario.step(sequences / microBatches, microBatches),
        scenario.attention(),
        scenario.expert());
  }

  private List<Integer> microBatches(Scenario scenario, int sequences) {
    if (scenario.microBatches() > 0 && system != SystemKind.DISTEP) {
      return sequences % scenario.microBatches() == 0
          ? List.of(scenario.microBatches())
          : List.of();
    }
    List<Integer> counts = new ArrayList<>();
    for (int count = 1; count <= Math.min(sequences, MOST_MICRO_BATCHES); count++) {
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
    for (int microBatches : microBatches(scenario, sequences)) {
      GroupCosts costs = costs(scenario, sequences, microBatches);
      Placement balanced =
          Placement.balanced(costs.layers(), costs.experts(), costs.expert().size());
      if (Memory.shortage(Memory.rows(new Crew(costs, balanced, true))).isEmpty()) {
        return true;
      }
    }
    return false;
  }
}
