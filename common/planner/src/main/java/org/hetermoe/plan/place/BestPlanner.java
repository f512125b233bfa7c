package org.hetermoe.plan.place;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.hetermoe.group.Placement;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Predictor;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.schedule.Schedule;

/**
 * The search that betters Algorithm 1: any M and N, uneven counts by worker and layer, several
 * kinds of device in a role, measured loads, communication and memory. Small groups are enumerated;
 * for others the quick clock picks patterns over the layers, then single moves, and the predictor
 * judges and polishes the best. Never worse than {@link GatherAndSqueeze}, whose placement is among
 * those judged. The same costs give the same placement.
 */
public final class BestPlanner implements Planner {
  /** A step of more than so many messages is too large to be followed one by one. */
  private static final double MOST_MESSAGES = 2e7;

  private final boolean asymEa;
  private final Predictor predictor;
  private final double share;
  private final boolean replicas;

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
    this(asymEa, predictor, share, false);
  }

  /**
   * The search, shortened, with or without replicas of hot experts.
   *
   * @param asymEa whether attention workers may own experts
   * @param share of the thorough search's looks
   * @param replicas whether experts may have several owners
   */
  public BestPlanner(boolean asymEa, Predictor predictor, double share, boolean replicas) {
    this.asymEa = asymEa;
    this.predictor = predictor;
    this.share = share;
    this.replicas = replicas;
  }

  @Override
  public Planning place(GroupCosts costs, Schedule schedule) {
    Optional<String> shortage = Room.shortage(costs, asymEa);
    if (shortage.isPresent()) {
      return new NoPlacement(shortage.get());
    }
    Looks looks = Looks.of(costs, share);
    QuickClock clock = new QuickClock(costs, schedule);
    Judge judge = new Judge(costs, schedule, predictor, clock);
    Room room = Room.of(costs, asymEa);
    Optional<List<int[]>> all = Enumeration.of(costs, 4 * looks.judged());
    String why;
    if (all.isPresent()) {
      Enumeration.each(all.get(), costs, room, judge::look);
      why = "best of all %d placements".formatted(judge.looks());
    } else {
      why = search(costs, schedule, looks, room, judge);
    }
    Placement placement = clock.placement(judge.best());
    PlannedPlacement planned =
        PlannedPlacement.of(costs, placement, judge.seconds(), PlannerKind.BEST, why);
    return replicas
        ? new ReplicaSearch(costs, schedule, predictor, clock, room, looks).better(planned)
        : planned;
  }

  private String search(GroupCosts costs, Schedule schedule, Looks looks, Room room, Judge judge) {
    others(costs, schedule, judge);
    List<int[][]> found =
        new PatternSearch(costs, judge.clock, room, looks.quick(), looks.moves()).best();
    found.stream()
        .filter(owners -> judge.clock.messages(owners) <= MOST_MESSAGES)
        .limit(1 + looks.judged() / 4)
        .forEach(judge::look);
    if (judge.best() == null) {
      found.stream().min(Comparator.comparingDouble(judge.clock::messages)).ifPresent(judge::look);
    }
    double pattern = judge.seconds();
    if (looks.moves()) {
      new MoveSearch(costs, judge.clock, room, looks.judged() - judge.looks())
          .improve(judge.best(), judge::seconds)
          .ifPresent(judge::look);
    }
    return "best of %d patterns and single moves; the simulator judged %d%s"
        .formatted(
            looks.quick(),
            judge.looks(),
            judge.seconds() < pattern ? " and improved the best of them" : "");
  }

  /** What the simpler planners would do. */
  private void others(GroupCosts costs, Schedule schedule, Judge judge) {
    List<PlannerKind> simpler =
        asymEa ? List.of(PlannerKind.PAPER, PlannerKind.NONE) : List.of(PlannerKind.NONE);
    for (PlannerKind kind : simpler) {
      if (Planner.of(kind, asymEa, predictor).place(costs, schedule)
          instanceof PlannedPlacement other) {
        judge.look(judge.clock.owners(other.placement()));
      }
    }
  }

  /** Keeps the best that the predictor has seen. */
  private static final class Judge {
    private final GroupCosts costs;
    private final Schedule schedule;
    private final Predictor predictor;
    private final QuickClock clock;
    private int[][] best;
    private double seconds = Double.POSITIVE_INFINITY;
    private int looks;

    Judge(GroupCosts costs, Schedule schedule, Predictor predictor, QuickClock clock) {
      this.costs = costs;
      this.schedule = schedule;
      this.predictor = predictor;
      this.clock = clock;
    }

    double seconds(int[][] owners) {
      looks++;
      return predictor.stepSeconds(costs, schedule, clock.placement(owners));
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
