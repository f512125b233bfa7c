package org.hetermoe.plan.place;

import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Predictor;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.schedule.Schedule;

/** Decides which worker of a ZP group owns which expert. */
@FunctionalInterface
public interface Planner {
  /** The placement for a group that works through a schedule, or why there is none. */
  PlacementResult place(GroupCosts costs, Schedule schedule);

  /**
   * A planner that may give hot experts several owners, if it is the best.
   *
   * @param predictor whose count of seconds decides
   */
  static Planner withReplicas(PlannerKind kind, Predictor predictor) {
    return kind == PlannerKind.BEST
        ? new BestPlanner(true, predictor, 1, true)
        : of(kind, true, predictor);
  }

  /**
   * A planner that gives each expert one owner.
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
