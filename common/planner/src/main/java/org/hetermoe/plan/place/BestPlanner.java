package org.hetermoe.plan.place;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Predictor;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.schedule.Schedule;

/**
 * The search that improves on Algorithm 1: any M and N, uneven counts by worker and layer, several
 * kinds of device in a role, measured loads, communication and memory. Small groups are searched
 * exhaustively. For others, estimates pick patterns over the layers, then moves of single experts,
 * and predictions decide among the best and improve the best of all. Never worse than {@link
 * GatherAndSqueeze}, whose placement is among those predicted. The same costs give the same
 * placement.
 */
public final class BestPlanner implements Planner {
  /** A step of more messages than this is too large to be predicted. */
  private static final double MAX_MESSAGES = 2e7;

  private final boolean asymEa;
  private final Predictor predictor;
  private final double effort;
  private final boolean replicas;

  BestPlanner(boolean asymEa, Predictor predictor) {
    this(asymEa, predictor, 1);
  }

  /**
   * The search with a part of its budget.
   *
   * @param asymEa whether attention workers may own experts
   * @param effort part of the whole budget, from 0 to 1
   */
  public BestPlanner(boolean asymEa, Predictor predictor, double effort) {
    this(asymEa, predictor, effort, false);
  }

  /**
   * The search with a part of its budget, with or without replicas of hot experts.
   *
   * @param asymEa whether attention workers may own experts
   * @param effort part of the whole budget, from 0 to 1
   * @param replicas whether experts may have several owners
   */
  public BestPlanner(boolean asymEa, Predictor predictor, double effort, boolean replicas) {
    this.asymEa = asymEa;
    this.predictor = predictor;
    this.effort = effort;
    this.replicas = replicas;
  }

  @Override
  public PlacementResult place(GroupCosts costs, Schedule schedule) {
    Optional<String> shortage = MemoryCapacity.shortage(costs, asymEa);
    if (shortage.isPresent()) {
      return new NoPlacement(shortage.get());
    }
    SearchBudget budget = SearchBudget.of(costs, effort);
    StepEstimator estimator = new StepEstimator(costs, schedule);
    WorkerIndex workers = estimator.workers();
    MemoryCapacity capacity = MemoryCapacity.of(costs, workers, asymEa);
    Incumbent incumbent =
        new Incumbent(owners -> predictor.stepSeconds(costs, schedule, workers.placement(owners)));
    Optional<ExhaustiveSearch> exhaustive = ExhaustiveSearch.of(costs, 4 * budget.predictions());
    String why;
    if (exhaustive.isPresent()) {
      exhaustive.get().forEach(capacity, incumbent::consider);
      why = "best of all %d placements".formatted(incumbent.predictions());
    } else {
      considerSimplerPlanners(costs, schedule, workers, incumbent);
      why = search(costs, estimator, budget, capacity, incumbent);
    }
    PlannedPlacement planned =
        PlannedPlacement.of(
            costs,
            workers.placement(incumbent.owners()),
            incumbent.seconds(),
            PlannerKind.BEST,
            why);
    return replicas
        ? new ReplicaSearch(costs, schedule, predictor, workers, capacity, budget).improve(planned)
        : planned;
  }

  /** The placements of simpler planners, so that the result is never worse than theirs. */
  private void considerSimplerPlanners(
      GroupCosts costs, Schedule schedule, WorkerIndex workers, Incumbent incumbent) {
    List<PlannerKind> simpler =
        asymEa ? List.of(PlannerKind.PAPER, PlannerKind.NONE) : List.of(PlannerKind.NONE);
    for (PlannerKind kind : simpler) {
      if (Planner.of(kind, asymEa, predictor).place(costs, schedule)
          instanceof PlannedPlacement other) {
        incumbent.consider(workers.owners(other.placement()));
      }
    }
  }

  private static String search(
      GroupCosts costs,
      StepEstimator estimator,
      SearchBudget budget,
      MemoryCapacity capacity,
      Incumbent incumbent) {
    List<int[][]> found =
        new PatternSearch(costs, estimator, capacity, budget.estimates(), budget.singleMoves())
            .best();
    found.stream()
        .filter(owners -> estimator.messages(owners) <= MAX_MESSAGES)
        .limit(1 + budget.predictions() / 4)
        .forEach(incumbent::consider);
    if (incumbent.owners() == null) {
      found.stream()
          .min(Comparator.comparingDouble(estimator::messages))
          .ifPresent(incumbent::consider);
    }
    double pattern = incumbent.seconds();
    if (budget.singleMoves()) {
      new SimulatedAnnealing(
              estimator.workers(), capacity, budget.predictions() - incumbent.predictions())
          .improve(incumbent.owners(), incumbent::predict)
          .ifPresent(incumbent::consider);
    }
    return "best of %d patterns and single moves; the simulator judged %d%s"
        .formatted(
            budget.estimates(),
            incumbent.predictions(),
            incumbent.seconds() < pattern ? " and improved the best of them" : "");
  }

  /** The best placement that has been predicted so far. */
  private static final class Incumbent {
    private final ToDoubleFunction<int[][]> predictor;
    private int[][] owners;
    private double seconds = Double.POSITIVE_INFINITY;
    private int predictions;

    Incumbent(ToDoubleFunction<int[][]> predictor) {
      this.predictor = predictor;
    }

    double predict(int[][] other) {
      predictions++;
      return predictor.applyAsDouble(other);
    }

    /** Predicts a placement and keeps a copy if it is the best. */
    void consider(int[][] other) {
      double predicted = predict(other);
      if (predicted < seconds) {
        seconds = predicted;
        owners = WorkerIndex.copy(other);
      }
    }

    /** Owners by layer and expert; null before any has been predicted. */
    int[][] owners() {
      return owners;
    }

    double seconds() {
      return seconds;
    }

    int predictions() {
      return predictions;
    }
  }
}
