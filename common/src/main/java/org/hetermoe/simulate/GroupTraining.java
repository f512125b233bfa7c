package org.hetermoe.simulate;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.plan.CostModel;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Placement;
import org.hetermoe.plan.Schedule;
import org.hetermoe.plan.ScheduleKind;
import org.hetermoe.simulate.GroupGraph.Exchange;

/**
 * Attention and experts on different devices: HeterMoE, whose number of micro-batches is tuned, and
 * DistEP, whose batch goes through as a whole.
 */
final class GroupTraining implements TrainingSystem {
  private static final int MOST_MICRO_BATCHES = 64;

  private final SystemKind system;
  private final ScheduleKind schedule;

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
      try {
        placement = place(scenario, costs, order);
      } catch (InvalidFieldException impossible) {
        reason = impossible.getMessage();
        continue;
      }
      Crew crew = new Crew(costs, placement, true);
      Optional<String> shortage = Memory.shortage(Memory.rows(crew));
      if (shortage.isPresent()) {
        reason = shortage.get();
        continue;
      }
      Execution execution = Simulator.execute(costs, crew, order, Exchange.ZEBRA);
      if (best == null || execution.seconds < best.stepSeconds()) {
        best = trained(scenario, sequences, microBatches, placement, crew, execution);
      }
    }
    return best == null ? new Outcome.Impossible(system, reason) : best;
  }

  private Outcome.Trained trained(
      Scenario scenario,
      int sequences,
      int microBatches,
      Placement placement,
      Crew crew,
      Execution execution) {
    return new Outcome.Trained(
        system,
        (double) sequences * scenario.length() / execution.seconds,
        execution.seconds,
        microBatches,
        IntStream.range(0, placement.layers()).mapToObj(placement::moved).toList(),
        0,
        List.of(Simulation.of(execution, Memory.rows(crew))));
  }

  private Placement place(Scenario scenario, GroupCosts costs, Schedule order) {
    return system == SystemKind.HETERMOE
        ? scenario.planner().place(costs, order)
        : Placement.balanced(costs.layers(), costs.experts(), costs.expert().size());
  }

  private static GroupCosts costs(Scenario scenario, int sequences, int microBatches) {
    return CostModel.of(
        scenario.step(sequences / microBatches, microBatches),
        scenario.attention(),
        scenario.expert());
  }

  private List<Integer> microBatches(Scenario scenario, int sequences) {
    if (system == SystemKind.DISTEP) {
      return List.of(1);
    }
    if (scenario.microBatches() > 0) {
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
