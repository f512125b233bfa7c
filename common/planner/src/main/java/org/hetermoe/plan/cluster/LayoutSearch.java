package org.hetermoe.plan.cluster;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Looks for the most promising layouts. All get an estimate from the rates of their devices; those
 * that promise most get a quick look at a group with its real costs. A layout is left out unseen
 * only if its bound is below what another one was predicted to reach.
 */
final class LayoutSearch {
  private static final int LOOKS = 40;
  private static final int SAME_ROLES = 2;
  private static final int SAME_CUT = 16;

  /** How often a fitted batch is made smaller until it fits. */
  private static final int SMALLER = 4;

  private final TrainingJob job;
  private final LayoutEstimate estimate;
  private final GroupPlanner planner;

  private final Map<List<Object>, Integer> seen = new HashMap<>();
  private final List<Candidate> looked = new ArrayList<>();
  private int considered;
  private int tooLittleMemory;
  private int pruned;
  private int waiting;
  private Candidate mostPromising;
  private String shortage = "";

  LayoutSearch(TrainingJob job, LayoutEstimate estimate, GroupPlanner planner) {
    this.job = job;
    this.estimate = estimate;
    this.planner = planner;
  }

  /**
   * What the search comes to.
   *
   * @param looked layouts with their worth by a quick look, best first
   * @param considered layouts
   * @param tooLittleMemory of them, those that do not fit
   * @param pruned of them, for their bound
   * @param waiting of them, those that promised less than the ones looked at
   * @param shortage why one did not fit, if none did
   */
  record Result(
      List<Candidate> looked,
      int considered,
      int tooLittleMemory,
      int pruned,
      int waiting,
      String shortage) {}

  Result run(Layouts layouts) {
    List<Candidate> candidates = new ArrayList<>();
    layouts.each(
        layout -> {
          considered++;
          if (estimate.holds(layout)) {
            candidates.add(new Candidate(layout, planner.worth(layout, estimate.about(layout))));
          } else {
            tooLittleMemory++;
          }
        });
    candidates.sort(Comparator.comparingDouble(candidate -> -candidate.worth()));
    candidates.forEach(this::consider);
    looked.sort(Comparator.comparingDouble(one -> -one.worth()));
    return new Result(looked, considered, tooLittleMemory, pruned, waiting, shortage);
  }

  private void consider(Candidate candidate) {
    Layout layout = candidate.layout();
    if (looked.size() >= LOOKS
        || seen.getOrDefault(candidate.roles(), 0) >= SAME_ROLES
        || seen.getOrDefault(candidate.cut(), 0) >= SAME_CUT) {
      waiting++;
    } else if (isBeaten(planner.worth(layout, estimate.bound(layout)))) {
      pruned++;
    } else {
      look(layout).ifPresentOrElse(found -> keep(candidate, found), () -> tooLittle(layout));
    }
  }

  private void keep(Candidate candidate, Candidate found) {
    seen.merge(candidate.roles(), 1, Integer::sum);
    seen.merge(candidate.cut(), 1, Integer::sum);
    looked.add(found);
    if (mostPromising == null || found.worth() > mostPromising.worth()) {
      mostPromising = found;
    }
  }

  /** Whether a bound is below what a layout was predicted to reach, not only estimated. */
  private boolean isBeaten(double bound) {
    return mostPromising != null
        && bound <= mostPromising.worth()
        && bound <= planner.predictedWorth(mostPromising.layout());
  }

  private void tooLittle(Layout layout) {
    tooLittleMemory++;
    if (shortage.isEmpty()) {
      shortage = planner.reason(layout);
    }
  }

  /**
   * A quick look. The estimate's count of memory is rough: a batch that may be fitted is made
   * smaller until it fits.
   */
  private Optional<Candidate> look(Layout first) {
    Layout layout = first;
    for (int tries = 0; tries < (job.fitted() ? SMALLER : 1); tries++) {
      OptionalDouble seconds = planner.quickSeconds(layout);
      if (seconds.isPresent()) {
        return Optional.of(new Candidate(layout, planner.worth(layout, seconds.getAsDouble())));
      }
      int fewer = layout.microBatches() - Math.ceilDiv(layout.microBatches(), 8);
      if (fewer < 1) {
        return Optional.empty();
      }
      layout = layout.with(fewer, layout.sequences());
    }
    return Optional.empty();
  }
}
