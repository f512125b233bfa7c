package org.hetermoe.plan.place;

import java.util.OptionalDouble;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.schedule.Schedule;

/**
 * What a step of a group takes with a good placement, roughly and quickly, so that many groups can
 * be compared before experts are placed in the best of them.
 */
public final class GroupEstimate {
  private static final int ESTIMATES = 12;

  private GroupEstimate() {}

  /** Seconds of a step, estimated; empty if no placement fits the memory. */
  public static OptionalDouble seconds(GroupCosts costs, Schedule schedule) {
    if (MemoryCapacity.shortage(costs, true).isPresent()) {
      return OptionalDouble.empty();
    }
    StepEstimator estimator = new StepEstimator(costs, schedule);
    MemoryCapacity capacity = MemoryCapacity.of(costs, estimator.workers(), true);
    PatternSearch search = new PatternSearch(costs, estimator, capacity, ESTIMATES, false);
    return OptionalDouble.of(estimator.seconds(search.best().getFirst()));
  }
}
