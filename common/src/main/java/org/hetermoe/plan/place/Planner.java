package org.hetermoe.plan.place;

import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.PlannerKind;
import org.hetermoe.plan.Predictor;
import org.hetermoe.plan.Schedule;

/** Decides which worker of a ZP group owns which expert. */
@FunctionalInterface
public interface Planner {
  /** The placement for a group that works through a schedule, or why there is none. */
  Planning place(GroupCosts costs, Schedule schedule);

  /**
   * A planner.
   *
   * @param asymEa whether attention workers may own experts (asymmetric expert assignment)
   * @param predictor whose count of seconds decides between placements
   */
  static Planner of(PlannerKind kind, boolean asymEa, Predictor predictor) {
    return switch (kind) {
      case BEST -> new BestPlanner(asymEa, predictor);
      case PAPER ->
          asymEa ? new GatherAndSqueeze(predictor) : new EvenPlanner(PlannerKind.PAPER, predictor);
      case NONE -> new EvenPlanner(PlannerKind.NONE, predictor);
    };
  }
}
