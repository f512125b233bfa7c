package org.hetermoe.plan.place;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.ExpertCapacity;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.LoadPatterns;
import org.hetermoe.plan.Predictor;
import org.hetermoe.plan.Replica;
import org.hetermoe.schedule.Schedule;
import org.hetermoe.schedule.ZebraSchedule;
import org.hetermoe.simulate.Simulator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReplicaSearchTest {
  private static final Predictor SIMULATOR = new Simulator();
  private static final int LAYERS = 4;
  private static final int EXPERTS = 16;

  /** Two attention workers and four expert workers, of which the experts are the bottleneck. */
  private static GroupCosts group(ExpertLoads loads, long capacity, double gradientBytes) {
    GroupCosts balanced = TestGroups.group(2, 4, LAYERS, EXPERTS, 1, 0.5, capacity, capacity);
    return new GroupCosts(
        balanced.layers(),
        balanced.experts(),
        balanced.microBatches(),
        balanced.topK(),
        balanced.rowBytes(),
        balanced.attention(),
        balanced.expert(),
        loads,
        gradientBytes);
  }

  private static PlannedPlacement plan(GroupCosts costs, boolean replicas) {
    Schedule schedule = new ZebraSchedule(costs.layers(), costs.microBatches());
    // Without replicas the search gets more effort, so that they alone make the difference.
    double effort = replicas ? 0.05 : 0.15;
    return new BestPlanner(true, SIMULATOR, effort, replicas).place(costs, schedule).placed();
  }

  @ParameterizedTest
  @ValueSource(doubles = {7, 9, 11})
  void anExpertHotterThanAWorkersFairShareGetsReplicas(double ratio) {
    GroupCosts costs = group(LoadPatterns.ratio(LAYERS, EXPERTS, ratio), 1000, 0);

    PlannedPlacement one = plan(costs, false);
    PlannedPlacement several = plan(costs, true);

    assertThat(one.replicas()).isEmpty();
    assertThat(several.replicas())
        .isNotEmpty()
        .allSatisfy(
            replica ->
                assertThat(costs.loads().of(replica.layer(), replica.expert())).isGreaterThan(1));
    assertThat(several.stepSeconds()).isLessThan(0.95 * one.stepSeconds());
  }

  @Test
  void balancedLoadsNeedNone() {
    assertThat(plan(group(ExpertLoads.balanced(LAYERS, EXPERTS), 1000, 0), true).replicas())
        .isEmpty();
  }

  @Test
  void noneWhereTheirReductionCostsMoreThanTheyBring() {
    GroupCosts costs = group(LoadPatterns.ratio(LAYERS, EXPERTS, 7), 1000, 1e18);

    assertThat(plan(costs, true).replicas()).isEmpty();
  }

  @Test
  void noMoreThanMemoryHolds() {
    // six workers hold 66 experts, and 64 of them are first owners' of 4 layers of 16
    ExpertLoads hot = LoadPatterns.ratio(LAYERS, EXPERTS, 11);

    assertThat(plan(group(hot, 11, 0), true).replicas()).hasSize(2);
    assertThat(plan(group(hot, 1000, 0), true).replicas()).hasSizeGreaterThan(2);
  }

  @Test
  void replicasFitAreNotBelowTheBoundAndNeverWorse() {
    int replicated = 0;
    for (int seed = 0; seed < 20; seed++) {
      GroupCosts costs = TestGroups.random(new Random(seed), 4).withGradientBytes(seed);
      Schedule schedule = new ZebraSchedule(costs.layers(), costs.microBatches());

      PlannedPlacement one =
          new BestPlanner(true, SIMULATOR, 0.02, false).place(costs, schedule).placed();
      PlannedPlacement several =
          new BestPlanner(true, SIMULATOR, 0.02, true).place(costs, schedule).placed();

      assertThat(several.stepSeconds())
          .as("seed %d", seed)
          .isEqualTo(SIMULATOR.stepSeconds(costs, schedule, several.replicated()))
          .isGreaterThanOrEqualTo(several.boundSeconds() * (1 - 1e-9))
          .isLessThanOrEqualTo(one.stepSeconds());
      for (int rank = 0; rank < costs.attention().size(); rank++) {
        fits(seed, costs, several, WorkerRank.attention(rank));
      }
      for (int rank = 0; rank < costs.expert().size(); rank++) {
        fits(seed, costs, several, WorkerRank.expert(rank));
      }
      replicated += several.replicas().isEmpty() ? 0 : 1;
    }
    assertThat(replicated).as("groups in which replicas pay").isEqualTo(5);
  }

  private static void fits(
      int seed, GroupCosts costs, PlannedPlacement planned, WorkerRank worker) {
    assertThat(planned.replicated().owners().map(Replica::worker).filter(worker::equals).count())
        .as("experts of %s, seed %d", worker, seed)
        .isLessThanOrEqualTo(new ExpertCapacity(costs).of(costs.of(worker)));
  }
}
