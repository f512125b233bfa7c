package org.hetermoe.plan.place;

import java.util.Optional;
import org.hetermoe.group.Placement;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Predictor;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.schedule.Schedule;

/** Spreads the experts of every layer evenly over the expert workers. */
final class EvenPlanner implements Planner {
  private final PlannerKind kind;
  private final Predictor predictor;

  EvenPlanner(PlannerKind kind, Predictor predictor) {
    this.kind = kind;
    this.predictor = predictor;
  }

  @Override
  public PlacementResult place(GroupCosts costs, Schedule schedule) {
    if (costs.expert().isEmpty()) {
      return new NoPlacement("the group has no expert worker to spread experts over");
    }
    Placement placement =
        Placement.balanced(costs.layers(), costs.experts(), costs.expert().size());
    Optional<String> overflow = MemoryCapacity.overflow(costs, placement);
    if (overflow.isPresent()) {
      return new NoPlacement(overflow.get());
    }
    return PlannedPlacement.of(
        costs,
        placement,
        predictor.stepSeconds(costs, schedule, placement),
        kind,
        "experts evenly over the expert workers");
  }
}
