package org.hetermoe.plan.place;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Placement;
import org.hetermoe.plan.PlannerKind;
import org.hetermoe.plan.Predictor;
import org.hetermoe.plan.Schedule;

/**
 * The search that betters Algorithm 1: any M and N, uneven counts by worker and layer, several
 * kinds of device in a role, measured loads, communication and memory. Small groups are enumerated;
 * for others the quick clock picks patterns over the layers, then single moves, and the predictor
 * judges and polishes the best. Never worse than {@link GatherAndSqueeze}, whose placement is among
 * those judged. The same costs give the same placement.
 */
public final class BestPlanner implements Planner {
  private final boolean asymEa;
  private final Predictor predictor;
  private final double share;

  BestPlanner(boolean asymEa, Predictor predictor) {
    this(asymEa, predictor, 1);
  }

  /**
   * The search, shortened.
   *
   * @param asymEa whether attention workers may own experts
   * @param share of the thorough search's looks
   */
  public BestPlanner(boolean asymEa, Predictor predictor, double share) {
    this.asymEa = asymEa;
    this.predictor = predictor;
    this.share = share;
  }

  @Override
  public Planning place(GroupCosts costs, Schedule schedule) {
    Optional<String> shortage = Room.shortage(costs, asymEa);
    if (shortage.isPresent()) {
      return new NoPlacement(shortage.get());
    }
    Looks looks = Looks.of(costs, share);
    Judge judge = new Judge(costs, schedule, predictor);
    Room room = Room.of(costs, asymEa);
    Optional<List<int[]>> all = Enumeration.of(costs, looks.judged());
    String why;
    if (all.isPresent()) {
      Enumeration.each(all.get(), costs, room, judge::look);
      why = "best of all %d placements".formatted(judge.looks());
    } else {
      others(costs, schedule, judge);
      QuickClock clock = new QuickClock(costs, schedule);
      List<int[][]> found = new PatternSearch(costs, clock, room, looks.quick()).best();
      found.forEach(judge::look);
      double pattern = judge.seconds();
      new MoveSearch(costs, clock, room, looks.judged())
          .improve(judge.best(), judge::seconds)
          .ifPresent(judge::look);
      why =
          "best of %d patterns and single moves; the simulator judged %d%s"
              .formatted(
                  looks.quick(),
                  judge.looks(),
                  judge.seconds() < pattern ? " and improved the best of them" : "");
    }
    Placement placement = new QuickClock(costs, schedule).placement(judge.best());
    return PlannedPlacement.of(costs, placement, judge.seconds(), PlannerKind.BEST, why);
  }

  /** What the simpler planners would do. */
  private void others(GroupCosts costs, Schedule schedule, Judge judge) {
    List<PlannerKind> simpler =
        asymEa ? List.of(PlannerKind.PAPER, PlannerKind.NONE) : List.of(PlannerKind.NONE);
    for (PlannerKind kind : simpler) {
      if (Planner.of(kind, asymEa, predictor).place(costs, schedule)
          instanceof PlannedPlacement other) {
        judge.look(new QuickClock(costs, schedule).owners(other.placement()));
      }
    }
  }

  /** Keeps the best that the predictor has seen. */
  private static final class Judge {
    private final GroupCosts costs;
    private final Schedule schedule;
    private final Predictor predictor;
    private final QuickClock names;
    private int[][] best;
    private double seconds = Double.POSITIVE_INFINITY;
    private int looks;

    Judge(GroupCosts costs, Schedule schedule, Predictor predictor) {
      this.costs = costs;
      this.schedule = schedule;
      this.predictor = predictor;
      this.names = new QuickClock(costs, schedule);
    }

    double seconds(int[][] owners) {
      looks++;
      return predictor.stepSeconds(costs, schedule, names.placement(owners));
    }

    void look(int[][] owners) {
      double found = seconds(owners);
      if (found < seconds) {
        seconds = found;
        best = Arrays.stream(owners).map(int[]::clone).toArray(int[][]::new);
      }
    }

    int[][] best() {
      return best;
    }

    double seconds() {
      return seconds;
    }

    int looks() {
      return looks;
    }
  }
}
