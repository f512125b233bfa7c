package org.hetermoe.plan;

/** Foretells how long a step takes; the simulator does. */
@FunctionalInterface
public interface Predictor {
  /** Seconds of one step. */
  double stepSeconds(GroupCosts costs, Schedule schedule, Placement placement);
}
