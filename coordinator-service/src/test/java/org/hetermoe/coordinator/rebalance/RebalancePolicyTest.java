package org.hetermoe.coordinator.rebalance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.hetermoe.coordinator.planning.GroupLinks;
import org.hetermoe.coordinator.planning.MeasuredCosts.Spent;
import org.hetermoe.coordinator.planning.StepWindow;
import org.hetermoe.coordinator.rebalance.RebalancePolicy.Prospect;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.LinkCosts;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.run.WorkerLoad;
import org.junit.jupiter.api.Test;

class RebalancePolicyTest {
  private static final RebalancePolicy POLICY = new RebalancePolicy(0.05);

  @Test
  void movesWhereTheGainIsOverTheThreshold() {
    assertThat(POLICY.pays(new Prospect(1, 0.94, 0, 10))).isTrue();
    assertThat(POLICY.pays(new Prospect(1, 0.96, 0, 10))).isFalse();
    assertThat(POLICY.pays(new Prospect(1, 1.2, 0, 10))).isFalse();
  }

  @Test
  void spreadsTheMoveOverTheStepsThatAreLeft() {
    // Saves 0.2 s a step: 2 s of moving cost all of that over 10 steps, and little over 100.
    assertThat(new Prospect(1, 0.8, 2, 10).gain()).isEqualTo(0, within(1e-12));
    assertThat(POLICY.pays(new Prospect(1, 0.8, 2, 10))).isFalse();
    assertThat(POLICY.pays(new Prospect(1, 0.8, 2, 100))).isTrue();
  }

  @Test
  void movesNothingAfterTheLastStep() {
    assertThat(POLICY.pays(new Prospect(1, 0.1, 0, 0))).isFalse();
  }

  @Test
  void takesAsLongAsTheWorkerWithMostToGiveOrTake() {
    Placement from = Placement.ofCounts(2, List.of(4, 0));
    Placement to = Placement.ofCounts(2, List.of(1, 3));
    GroupLinks links = GroupLinks.of(new LinkCosts(1_200, 0.5));

    assertThat(MoveCost.experts(from, to)).isEqualTo(6);
    // Six experts of 100 parameters, 12 bytes each: a second on the way, half a second before it.
    assertThat(MoveCost.seconds(from, to, 100, links)).isEqualTo(9, within(1e-9));
    assertThat(MoveCost.seconds(from, from, 100, links)).isZero();
  }

  @Test
  void addsUpWhatStepsShow() {
    StepWindow window =
        new StepWindow(
            List.of(
                step(1, List.of(List.of(30L, 10L)), 2),
                step(2, List.of(List.of(30L, 50L)), 4),
                step(3, null, 100)));

    assertThat(window.label()).isEqualTo("steps 1 to 2");
    assertThat(window.loads().orElseThrow().relative()).isEqualTo(List.of(List.of(1.0, 1.0)));
    assertThat(window.spent().get(WorkerRank.expert(0))).isEqualTo(new Spent(0, 3));
    assertThat(new StepWindow(List.of()).loads()).isEmpty();
  }

  private static StepMetrics step(int number, List<List<Long>> rows, double expertSeconds) {
    return new StepMetrics(
        UUID.randomUUID(),
        1,
        number,
        1,
        1,
        0,
        0,
        1,
        1,
        1,
        1,
        1,
        0.5,
        0.5,
        null,
        List.of(new WorkerLoad(WorkerRank.expert(0), 0.5, 0, expertSeconds)),
        rows,
        null,
        Instant.EPOCH);
  }
}
