package org.hetermoe.coordinator.planning;

import java.util.Map;
import java.util.Optional;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.PlannerKind;

/**
 * A placement and what it promises.
 *
 * @param planner who decided
 * @param why how it came about
 * @param promise empty without profiles of all workers
 */
public record Decision(
    Placement placement, PlannerKind planner, String why, Optional<Promise> promise) {

  /** The same, saying of which steps the loads are that a planner went by. */
  public Decision by(StepWindow window) {
    if (planner == PlannerKind.NONE) {
      return this;
    }
    return new Decision(placement, planner, why + ", by the loads of " + window.label(), promise);
  }

  /**
   * What a placement promises.
   *
   * @param stepSeconds predicted
   * @param boundFraction share of what any placement could reach at best
   * @param busy share of the step that each worker computes
   */
  public record Promise(double stepSeconds, double boundFraction, Map<WorkerRank, Double> busy) {
    public Promise {
      busy = Map.copyOf(busy);
    }
  }
}
