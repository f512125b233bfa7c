package org.hetermoe.simulate;

import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Placement;
import org.hetermoe.plan.Schedule;

/** Decides which worker owns which expert. */
@FunctionalInterface
public interface Planner {
  /**
   * A placement for a group.
   *
   * @throws org.hetermoe.model.InvalidFieldException if no placement fits its memory
   */
  Placement place(GroupCosts costs, Schedule schedule);
}
