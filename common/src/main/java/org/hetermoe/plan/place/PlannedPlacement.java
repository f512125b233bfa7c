package org.hetermoe.plan.place;

import java.util.List;
import java.util.stream.IntStream;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Placement;
import org.hetermoe.plan.PlannerKind;

/**
 * A placement and what it promises.
 *
 * @param placement which worker owns which expert
 * @param stepSeconds predicted time of a step
 * @param boundSeconds what no placement can go below ({@link WorkBound})
 * @param planner who decided
 * @param why how it came about
 */
public record PlannedPlacement(
    Placement placement, double stepSeconds, double boundSeconds, PlannerKind planner, String why)
    implements Planning {

  static PlannedPlacement of(
      GroupCosts costs, Placement placement, double stepSeconds, PlannerKind planner, String why) {
    return new PlannedPlacement(placement, stepSeconds, WorkBound.of(costs), planner, why);
  }

  /** How near the step comes to the bound: 1 is as fast as the bound. */
  public double boundFraction() {
    return boundSeconds / stepSeconds;
  }

  /** Per layer, how many experts attention workers own. */
  public List<Integer> movedPerLayer() {
    return IntStream.range(0, placement.layers()).mapToObj(placement::moved).toList();
  }
}
