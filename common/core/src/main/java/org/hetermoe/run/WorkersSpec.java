package org.hetermoe.run;

import java.util.List;
import org.hetermoe.model.InvalidFieldException;

/**
 * The ZP group that the run asks for.
 *
 * @param attention number of attention workers (M)
 * @param experts number of expert workers (N) of an attempt, or the range in which it may lie: the
 *     numbers of a run do not depend on it
 * @param expertCounts experts of every layer that each expert worker takes, in order; empty for a
 *     balanced placement
 */
public record WorkersSpec(int attention, WorkerRange experts, List<Integer> expertCounts) {
  /** As many workers as a run may have of a role. */
  static final int MOST = 1 << 10;

  public WorkersSpec {
    expertCounts = List.copyOf(expertCounts);
    check(attention >= 1, "attention", "must be at least 1, is " + attention);
    check(attention <= MOST, "attention", "must be at most " + MOST + ", is " + attention);
    check(
        expertCounts.isEmpty() || (experts.exact() && expertCounts.size() == experts.number()),
        "expert_counts",
        "must name one count for each of the " + experts + " expert workers, has " + expertCounts);
    check(
        expertCounts.stream().allMatch(count -> count >= 0),
        "expert_counts",
        "must not be negative, has " + expertCounts);
  }

  /** The same with a number of expert workers. */
  public WorkersSpec withExperts(int number) {
    return new WorkersSpec(attention, WorkerRange.of(number), expertCounts);
  }

  private static void check(boolean valid, String field, String problem) {
    if (!valid) {
      throw new InvalidFieldException("workers." + field, problem);
    }
  }
}
