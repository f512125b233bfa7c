package org.hetermoe.plan.cluster;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.plan.Predictor;

/**
 * Searches the layout of a cluster with the most tokens per second, or per unit of currency if it
 * has prices: the layouts that {@link LayoutSearch} finds most promising are planned and judged by
 * the predictor.
 */
public final class ClusterPlanner {
  private final DevicePool pool;
  private final TrainingJob job;
  private final LayoutEstimate estimate;
  private final GroupPlanner planner;

  private ClusterPlanner(DevicePool devices, TrainingJob job, Predictor predictor) {
    this.pool = devices.cached();
    this.job = job;
    this.estimate = new LayoutEstimate(pool, job);
    this.planner = new GroupPlanner(pool, job, predictor);
  }

  /**
   * The plan.
   *
   * @param keep how many layouts to report
   * @throws InvalidFieldException if no layout is possible
   */
  public static ClusterPlan plan(DevicePool pool, TrainingJob job, Predictor predictor, int keep) {
    return new ClusterPlanner(pool, job, predictor).plan(keep);
  }

  private ClusterPlan plan(int keep) {
    LayoutSearch.Result found =
        new LayoutSearch(job, estimate, planner).run(new Layouts(pool, job, estimate));
    if (found.looked().isEmpty()) {
      throw new InvalidFieldException("cluster", none(found));
    }
    return new ClusterPlan(
        new Explanation(pool, planner).explain(ranked(found.looked(), keep)),
        estimate.clusterBound(),
        found.considered(),
        found.tooLittleMemory(),
        found.pruned(),
        found.waiting());
  }

  private String none(LayoutSearch.Result found) {
    String batch = job.fitted() ? "" : " with a global batch of " + job.globalBatch();
    if (found.considered() == 0) {
      return "cannot be cut into groups with an attention worker and an expert worker each" + batch;
    }
    return "cannot train "
        + job.model().name()
        + batch
        + ": "
        + (found.shortage().isEmpty()
            ? "parameters, optimizer state and activations are more than the memory of any groups"
                + (job.fitted() ? "" : "; leave the global batch out to have it fitted")
            : found.shortage());
  }

  private List<PlannedLayout> ranked(List<Candidate> looked, int keep) {
    List<PlannedLayout> planned = new ArrayList<>();
    Set<List<Object>> seen = new HashSet<>();
    for (Candidate one : looked) {
      if (planned.size() < keep && seen.add(one.roles())) {
        planner.plan(one.layout()).ifPresent(planned::add);
      }
    }
    if (planned.isEmpty()) {
      throw new InvalidFieldException(
          "planner", job.planner().label() + " finds no placement that fits; use best");
    }
    planned.sort(
        Comparator.comparingDouble(
            one -> -planner.worth(one.layout(), one.placed().stepSeconds())));
    planner
        .planThoroughly(planned.getFirst().layout())
        .filter(better -> better.tokensPerSecond() > planned.getFirst().tokensPerSecond())
        .ifPresent(better -> planned.set(0, better));
    return planned;
  }
}
