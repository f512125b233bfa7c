package org.hetermoe.plan.place;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.schedule.ZebraSchedule;
import org.hetermoe.simulate.Simulator;
import org.junit.jupiter.api.Test;

/** Algorithm 1 against cases worked out by hand. */
class GatherAndSqueezeTest {
  private static final long ROOMY = 1_000_000;

  private static PlacementResult plan(GroupCosts costs) {
    return Planner.of(PlannerKind.PAPER, true, new Simulator())
        .place(costs, new ZebraSchedule(costs.layers(), costs.microBatches()));
  }

  @Test
  void asManyOfEach() {
    // n1 = n2 = 1; T_A = 3, T_E = 4 x 1.2 = 4.8, one expert 1.2 there and 0.6 here:
    // gather 1.8, squeeze 1.8: one chunk of 2 experts in every layer
    GroupCosts costs = TestGroups.group(2, 2, 3, 8, 0.2, 0.4, ROOMY, ROOMY);

    GatherAndSqueeze.Inputs inputs = GatherAndSqueeze.Inputs.of(costs);
    assertThat(inputs.chunkTaken()).isEqualTo(1);
    assertThat(inputs.chunkGiven()).isEqualTo(1);
    assertThat(inputs.gather()).isCloseTo(1.8, within(1e-9));
    assertThat(inputs.squeeze()).isCloseTo(1.8, within(1e-9));
    assertThat(plan(costs).placed().movedPerLayer()).containsExactly(2, 2, 2);
  }

  @Test
  void theBubbleIsGatheredUntilAChunkFits() {
    // one expert 0.9 there and 0.6 here; T_E = 3.6: gather 0.6, squeeze 1.5.
    // bubble 0.6, 1.2, 1.8 -> 0.3, 0.9, 1.5 -> 0, 0.6
    GroupCosts costs = TestGroups.group(2, 2, 6, 8, 0.2, 0.3, ROOMY, ROOMY);

    assertThat(plan(costs).placed().movedPerLayer()).containsExactly(0, 0, 2, 0, 2, 0);
  }

  @Test
  void moreExpertWorkersThanAttentionWorkers() {
    // M:N = 2:4: n1 = 2, n2 = 1; T_E = 2 x 2.4 = 4.8, squeeze 2.4 x 1 + 0.3 x 2 = 3.0, gather 1.8
    GroupCosts costs = TestGroups.group(2, 4, 4, 8, 0.1, 0.8, ROOMY, ROOMY);

    GatherAndSqueeze.Inputs inputs = GatherAndSqueeze.Inputs.of(costs);
    assertThat(inputs.chunkTaken()).isEqualTo(2);
    assertThat(inputs.chunkGiven()).isEqualTo(1);
    assertThat(inputs.squeeze()).isCloseTo(3.0, within(1e-9));
    // bubble 1.8, 3.6 -> 0.6, 2.4, 4.2 -> 1.2
    assertThat(plan(costs).placed().movedPerLayer()).containsExactly(0, 4, 0, 4);
  }

  @Test
  void moreAttentionWorkersThanExpertWorkers() {
    // M:N = 4:2: n1 = 1, n2 = 2; T_E = 6 x 0.9 = 5.4, squeeze 0.9 x 2 + 0.6 = 2.4, gather 2.4
    GroupCosts costs = TestGroups.group(4, 2, 2, 12, 0.2, 0.3, ROOMY, ROOMY);

    PlannedPlacement planned = plan(costs).placed();
    assertThat(planned.movedPerLayer()).containsExactly(4, 4);
    assertThat(planned.placement().counts(0, WorkerRank.Role.ATTENTION, 4))
        .containsExactly(1, 1, 1, 1);
    assertThat(planned.placement().counts(0, WorkerRank.Role.EXPERT, 2)).containsExactly(4, 4);
  }

  @Test
  void whatAttentionWorkersCannotHoldStays() {
    // as in asManyOfEach, but each attention worker holds 2 experts of the 3 that it would take:
    // alpha gathers 2 chunks over 3 layers, 1.2 a layer: 1.2, 2.4 -> 0.6, 1.8 -> 0
    GroupCosts costs = TestGroups.group(2, 2, 3, 8, 0.2, 0.4, 2, ROOMY);

    assertThat(plan(costs).placed().movedPerLayer()).containsExactly(0, 2, 2);
  }

  @Test
  void whatExpertWorkersCannotHoldMoves() {
    // 4 layers x 4 experts a worker, room for 13: 3 must go, though attention is the slower side
    GroupCosts costs = TestGroups.group(2, 2, 4, 8, 0.2, 0.1, ROOMY, 13);

    assertThat(GatherAndSqueeze.Inputs.of(costs).gather()).isNegative();
    assertThat(plan(costs).placed().movedPerLayer()).containsExactly(0, 2, 2, 2);
  }

  @Test
  void tooLittleMemoryEverywhereIsSaid() {
    GroupCosts costs = TestGroups.group(2, 2, 4, 8, 0.2, 0.1, 1, 13);

    assertThat(plan(costs))
        .isInstanceOfSatisfying(
            NoPlacement.class,
            none ->
                assertThat(none.reason())
                    .startsWith("memory: each expert worker must give up 3 experts")
                    .endsWith("no more than 1 from each"));
  }

  @Test
  void neitherDividesTheOther() {
    // 4:3: the smallest even chunk takes 4 from each expert worker and gives 3 to each attention
    // worker, half of a layer's 24; T_E = 8 x 0.6 = 4.8, gather 1.8, squeeze 4 x 0.6 + 3 x 0.3
    GroupCosts costs = TestGroups.group(4, 3, 4, 24, 0.1, 0.2, ROOMY, ROOMY);

    GatherAndSqueeze.Inputs inputs = GatherAndSqueeze.Inputs.of(costs);
    assertThat(inputs.chunkTaken()).isEqualTo(3);
    assertThat(inputs.chunkGiven()).isEqualTo(4);
    assertThat(inputs.squeeze()).isCloseTo(3.3, within(1e-9));
    assertThat(plan(costs).placed().movedPerLayer()).containsExactly(0, 12, 0, 12);
  }

  @Test
  void aChunkLargerThanAnExpertWorkersShareMovesNothing() {
    // 4:7: a chunk takes 4 from each expert worker, which has 3 of a layer's 24
    PlannedPlacement planned = plan(TestGroups.group(4, 7, 4, 24, 0.1, 0.9, ROOMY, ROOMY)).placed();

    assertThat(planned.movedPerLayer()).isEqualTo(List.of(0, 0, 0, 0));
    assertThat(planned.why()).contains("4:7").contains("chunk takes 4");
  }
}
