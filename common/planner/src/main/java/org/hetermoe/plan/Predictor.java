package org.hetermoe.plan;

import org.hetermoe.group.Placement;
import org.hetermoe.schedule.Schedule;

/** Foretells how long a step takes; the simulator does. */
@FunctionalInterface
public interface Predictor {
  /** Seconds of one step in which experts may have several owners. */
  double stepSeconds(GroupCosts costs, Schedule schedule, ReplicatedPlacement placement);

  /** Seconds of one step. */
  default double stepSeconds(GroupCosts costs, Schedule schedule, Placement placement) {
    return stepSeconds(costs, schedule, new ReplicatedPlacement(placement));
  }
}
