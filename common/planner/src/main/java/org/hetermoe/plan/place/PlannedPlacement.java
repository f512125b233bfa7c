package org.hetermoe.plan.place;

import java.util.List;
import java.util.stream.IntStream;
import org.hetermoe.group.Placement;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Replica;
import org.hetermoe.plan.ReplicatedPlacement;
import org.hetermoe.run.PlannerKind;

/**
 * A placement and the time that is predicted for it.
 *
 * @param placement which worker owns which expert
 * @param stepSeconds predicted time of a step
 * @param boundSeconds a step takes no less under any placement ({@link WorkBound})
 * @param planner who decided
 * @param why how it came about
 * @param replicas further owners of hot experts; none unless the planner was asked for them
 */
public record PlannedPlacement(
    Placement placement,
    double stepSeconds,
    double boundSeconds,
    PlannerKind planner,
    String why,
    List<Replica> replicas)
    implements PlacementResult {
  public PlannedPlacement {
    replicas = List.copyOf(replicas);
  }

  /** One owner for each expert. */
  public PlannedPlacement(
      Placement placement,
      double stepSeconds,
      double boundSeconds,
      PlannerKind planner,
      String why) {
    this(placement, stepSeconds, boundSeconds, planner, why, List.of());
  }

  /** The same group with further owners of some experts. */
  PlannedPlacement with(ReplicatedPlacement replicated, double seconds, String how) {
    return new PlannedPlacement(
        replicated.placement(), seconds, boundSeconds, planner, how, replicated.replicas());
  }

  /** All owners. */
  public ReplicatedPlacement replicated() {
    return new ReplicatedPlacement(placement, replicas);
  }

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
