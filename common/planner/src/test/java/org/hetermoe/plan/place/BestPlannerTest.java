package org.hetermoe.plan.place;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.ExpertCapacity;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Predictor;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.schedule.Schedule;
import org.hetermoe.schedule.ZebraSchedule;
import org.hetermoe.simulate.Simulator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds of every plan, on many random groups; a failure names the seed. */
class BestPlannerTest {
  private static final long ROOMY = 1_000_000;
  private static final Predictor SIMULATOR = new Simulator();
  private static final List<PlannerKind> SIMPLER = List.of(PlannerKind.PAPER, PlannerKind.NONE);

  static IntStream seeds() {
    return IntStream.range(0, 40);
  }

  private static Schedule schedule(GroupCosts costs) {
    return new ZebraSchedule(costs.layers(), costs.microBatches());
  }

  private static PlacementResult plan(PlannerKind kind, GroupCosts costs) {
    return kind == PlannerKind.BEST
        ? new BestPlanner(true, SIMULATOR, 0.02).place(costs, schedule(costs))
        : Planner.of(kind, true, SIMULATOR).place(costs, schedule(costs));
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void fitsIsPredictedRightAndIsNeverWorseThanSimplerPlanners(int seed) {
    GroupCosts costs = TestGroups.random(new Random(seed), 4);

    PlannedPlacement best = plan(PlannerKind.BEST, costs).placed();

    fitsAndIsPredictedRight(costs, best);
    assertThat(plan(PlannerKind.BEST, costs)).isEqualTo(best);
    for (PlannerKind kind : SIMPLER) {
      switch (plan(kind, costs)) {
        case PlannedPlacement other -> {
          fitsAndIsPredictedRight(costs, other);
          assertThat(best.stepSeconds()).isLessThanOrEqualTo(other.stepSeconds());
        }
        case NoPlacement none -> assertThat(none.reason()).startsWith("memory: ");
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"PAPER, 29", "NONE, 28"})
  void simplerPlannersFindAPlacementInMostOfTheRandomGroups(PlannerKind kind, int placed) {
    assertThat(seeds().mapToObj(seed -> TestGroups.random(new Random(seed), 4)))
        .filteredOn(costs -> plan(kind, costs) instanceof PlannedPlacement)
        .hasSize(placed);
  }

  private static void fitsAndIsPredictedRight(GroupCosts costs, PlannedPlacement planned) {
    Placement placement = planned.placement();
    assertThat(placement.layers()).isEqualTo(costs.layers());
    assertThat(placement.experts()).isEqualTo(costs.experts());
    for (int rank = 0; rank < costs.attention().size(); rank++) {
      fits(costs, placement, WorkerRank.attention(rank));
    }
    for (int rank = 0; rank < costs.expert().size(); rank++) {
      fits(costs, placement, WorkerRank.expert(rank));
    }
    assertThat(planned.stepSeconds())
        .isEqualTo(SIMULATOR.stepSeconds(costs, schedule(costs), placement))
        .isGreaterThanOrEqualTo(planned.boundSeconds() * (1 - 1e-9));
  }

  private static void fits(GroupCosts costs, Placement placement, WorkerRank worker) {
    long owned =
        IntStream.range(0, placement.layers())
            .mapToLong(layer -> placement.expertsOf(layer, worker).size())
            .sum();
    assertThat(owned).isLessThanOrEqualTo(new ExpertCapacity(costs).of(costs.of(worker)));
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void noPlacementIsBelowTheBound(int seed) {
    Random random = new Random(seed);
    GroupCosts costs = TestGroups.random(random, 3);
    List<List<WorkerRank>> owners = new ArrayList<>();
    for (int layer = 0; layer < costs.layers(); layer++) {
      List<WorkerRank> owner = new ArrayList<>();
      for (int expert = 0; expert < costs.experts(); expert++) {
        owner.add(
            random.nextBoolean()
                ? WorkerRank.attention(random.nextInt(costs.attention().size()))
                : WorkerRank.expert(random.nextInt(costs.expert().size())));
      }
      owners.add(owner);
    }

    assertThat(SIMULATOR.stepSeconds(costs, schedule(costs), new Placement(owners)))
        .isGreaterThanOrEqualTo(WorkBound.of(costs) * (1 - 1e-9));
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void asGoodAsTheBestOfAllPlacements(int seed) {
    GroupCosts costs = tiny(new Random(seed));
    double least = leastOfAll(costs, new int[costs.layers() * costs.experts()], 0);

    PlannedPlacement planned =
        new BestPlanner(true, SIMULATOR, 1).place(costs, schedule(costs)).placed();

    assertThat(planned.stepSeconds()).isCloseTo(least, within(least * 1e-12));
  }

  /** A group of three workers at most, with two layers of four experts at most. */
  private static GroupCosts tiny(Random random) {
    while (true) {
      GroupCosts costs = TestGroups.random(random, 2);
      int workers = costs.attention().size() + costs.expert().size();
      if (Math.pow(workers, (double) costs.layers() * costs.experts()) <= 7000) {
        return costs;
      }
    }
  }

  private static double leastOfAll(GroupCosts costs, int[] owners, int next) {
    int attention = costs.attention().size();
    int workers = attention + costs.expert().size();
    if (next < owners.length) {
      double least = Double.POSITIVE_INFINITY;
      for (int worker = 0; worker < workers; worker++) {
        owners[next] = worker;
        least = Math.min(least, leastOfAll(costs, owners, next + 1));
      }
      return least;
    }
    long[] owned = new long[workers];
    List<List<WorkerRank>> table = new ArrayList<>();
    for (int layer = 0; layer < costs.layers(); layer++) {
      List<WorkerRank> row = new ArrayList<>();
      for (int expert = 0; expert < costs.experts(); expert++) {
        int owner = owners[layer * costs.experts() + expert];
        owned[owner]++;
        row.add(
            owner < attention ? WorkerRank.attention(owner) : WorkerRank.expert(owner - attention));
      }
      table.add(row);
    }
    for (int worker = 0; worker < workers; worker++) {
      WorkerRank peer =
          worker < attention ? WorkerRank.attention(worker) : WorkerRank.expert(worker - attention);
      if (owned[worker] > new ExpertCapacity(costs).of(costs.of(peer))) {
        return Double.POSITIVE_INFINITY;
      }
    }
    return SIMULATOR.stepSeconds(costs, schedule(costs), new Placement(table));
  }

  @Test
  void saysHowManyExpertsFitWhereNotAllDo() {
    GroupCosts costs = TestGroups.group(2, 3, 4, 8, 0.2, 0.6, 1, 9);

    assertThat(plan(PlannerKind.BEST, costs))
        .isInstanceOfSatisfying(
            NoPlacement.class,
            none ->
                assertThat(none.reason())
                    .startsWith(
                        "memory: the group holds 29 experts of 32 (2 of them on attention"));
  }

  @Test
  void withoutAsymmetricAssignmentNothingMoves() {
    GroupCosts costs = TestGroups.group(2, 3, 4, 8, 0.2, 0.6, ROOMY, ROOMY);

    PlannedPlacement planned =
        new BestPlanner(false, SIMULATOR, 0.1).place(costs, schedule(costs)).placed();

    assertThat(planned.movedPerLayer()).containsOnly(0);
  }

  @Test
  void betterThanThePaperWhereNeitherCountDividesTheOther() {
    for (int expertWorkers : List.of(3, 5, 7)) {
      GroupCosts costs =
          TestGroups.group(4, expertWorkers, 8, 24, 0.1, 0.09 * expertWorkers, ROOMY, ROOMY);

      assertThat(plan(PlannerKind.BEST, costs).placed().stepSeconds())
          .isLessThan(0.95 * plan(PlannerKind.PAPER, costs).placed().stepSeconds());
    }
  }

  @Test
  void theEstimatorAgreesWithTheSimulatorWhereTransfersAreFree() {
    GroupCosts costs = TestGroups.group(4, 3, 8, 24, 0.1, 0.2, ROOMY, ROOMY);
    StepEstimator estimator = new StepEstimator(costs, schedule(costs));
    Placement placement = plan(PlannerKind.BEST, costs).placed().placement();

    assertThat(estimator.seconds(estimator.workers().owners(placement)))
        .isCloseTo(SIMULATOR.stepSeconds(costs, schedule(costs), placement), within(1e-6));
  }
}
