package org.hetermoe.run;

import java.util.List;
import org.hetermoe.model.InvalidFieldException;

/**
 * The ZP group that the run asks for.
 *
 * @param attention number of attention workers (M)
 * @param experts number of expert workers (N)
 * @param expertCounts experts of every layer that each expert worker takes, in order; empty for a
 *     balanced placement
 */
public record WorkersSpec(int attention, int experts, List<Integer> expertCounts) {
  private static final int MOST = 1 << 10;

  public WorkersSpec {
    expertCounts = List.copyOf(expertCounts);
    check(attention >= 1, "attention", "must be at least 1, is " + attention);
    check(attention <= MOST, "attention", "must be at most " + MOST + ", is " + attention);
    check(experts >= 1, "experts", "must be at least 1, is " + experts);
    check(experts <= MOST, "experts", "must be at most " + MOST + ", is " + experts);
    check(
        expertCounts.isEmpty() || expertCounts.size() == experts,
        "expert_counts",
        "must name one count for each of the " + experts + " expert workers, has " + expertCounts);
    check(
        expertCounts.stream().allMatch(count -> count >= 0),
        "expert_counts",
        "must not be negative, has " + expertCounts);
  }

  private static void check(boolean valid, String field, String problem) {
    if (!valid) {
      throw new InvalidFieldException("workers." + field, problem);
    }
  }
}
