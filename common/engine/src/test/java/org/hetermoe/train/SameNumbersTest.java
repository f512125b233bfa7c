package org.hetermoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hetermoe.train.TestRun.EXPERTS;
import static org.hetermoe.train.TestRun.LAYERS;
import static org.hetermoe.train.TestRun.MODEL;
import static org.hetermoe.train.TestRun.group;
import static org.hetermoe.train.TestRun.local;
import static org.hetermoe.train.TestRun.numbers;
import static org.hetermoe.train.TestRun.overSockets;
import static org.hetermoe.train.TestRun.placement;
import static org.hetermoe.train.TestRun.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.hetermoe.group.Placement;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.Recompute;
import org.hetermoe.schedule.ScheduleKind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Distributed equals local, to the last bit: the invariant everything else is built on. */
@Timeout(120)
class SameNumbersTest {
  private static final Placement ONE = Placement.balanced(LAYERS, EXPERTS, 1);

  @ParameterizedTest
  @CsvSource({"1,1,5", "2,1,5", "3,2,5", "5,3,5", "1,2,1", "3,4,7"})
  void aGroupEqualsTheLocalTrainer(int microBatches, int attention, int sequences)
      throws Exception {
    List<Double> truth = local(plan(microBatches, attention, 1, ONE), sequences, 2);

    for (List<Integer> counts : List.of(List.of(7), List.of(3, 4), List.of(1, 0, 6))) {
      Placement placement = Placement.ofCounts(LAYERS, counts);
      assertThat(group(plan(microBatches, attention, counts.size(), placement), sequences))
          .isEqualTo(truth);
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1,1,3", "2,1,2,5", "3,1,3,4", "4,2,1,5", "1,2,2,1", "2,3,2,7", "3,3,3,5"})
  void expertsOnAttentionWorkersChangeNothing(
      int microBatches, int attention, int experts, int sequences) throws Exception {
    List<Double> truth = local(plan(microBatches, attention, 1, ONE), sequences, 2);

    Random random = new Random(microBatches * 100 + attention * 10 + experts);
    for (int i = 0; i < 3; i++) {
      Placement placement = TestRun.random(random, attention, experts);
      assertThat(group(plan(microBatches, attention, experts, placement), sequences))
          .as("%s", placement)
          .isEqualTo(truth);
    }
  }

  @Test
  void aLayerMayLiveOnAttentionWorkersAlone() throws Exception {
    Placement placement =
        placement("a0 a1 a1 a0 a1 a0 a0", "e0 e1 e0 e1 e0 e1 a1", "a1 a1 a1 a1 a1 a1 a1");

    assertThat(group(plan(3, 2, 2, placement), 5)).isEqualTo(local(plan(3, 2, 1, ONE), 5, 1));
  }

  @Test
  void allExpertsMayLiveOnAttentionWorkers() throws Exception {
    String layer = "a0 a1 a1 a0 a1 a0 a0";

    assertThat(group(plan(2, 2, 1, placement(layer, layer, layer)), 5))
        .isEqualTo(local(plan(2, 2, 1, ONE), 5, 1));
  }

  @ParameterizedTest
  @EnumSource(ScheduleKind.class)
  void socketsChangeNothing(ScheduleKind schedule) throws Exception {
    Placement placement =
        placement("a0 e0 a1 e1 a2 e0 e1", "e0 e0 e0 e1 e1 e1 e1", "a2 a2 a1 e1 e1 e0 a0");
    GroupPlan plan = plan(MODEL, 4, 3, 2, schedule, placement);

    assertThat(numbers(overSockets(plan, 7, group -> group)))
        .isEqualTo(local(plan(4, 3, 1, ONE), 7, 1));
  }

  /** As where fewer workers than ranks are left for a run that recovers. */
  @Test
  void ranksMayShareAProcess() throws Exception {
    Placement placement =
        placement("a0 e0 a1 e1 a2 e0 e1", "e0 e0 e0 e1 e1 e1 e1", "a2 a2 a1 e1 e1 e0 a0");
    GroupPlan plan = plan(MODEL, 4, 3, 2, ScheduleKind.ZEBRA, placement);

    assertThat(numbers(TestRun.overSocketsInTwoProcesses(plan, 7)))
        .isEqualTo(local(plan(4, 3, 1, ONE), 7, 1));
  }

  @ParameterizedTest
  @CsvSource({"1,1,1", "3,2,2", "4,3,1"})
  void theScheduleChangesNothing(int microBatches, int attention, int experts) throws Exception {
    List<Double> truth = local(plan(microBatches, attention, 1, ONE), 5, 1);

    Placement mixed = TestRun.random(new Random(microBatches), attention, experts);
    for (Placement placement : List.of(Placement.balanced(LAYERS, EXPERTS, experts), mixed)) {
      GroupPlan plan =
          plan(MODEL, microBatches, attention, experts, ScheduleKind.SEQUENTIAL, placement);
      assertThat(group(plan, 5)).as("%s", placement).isEqualTo(truth);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "ATTENTION,1,1,1,ZEBRA",
    "FULL,1,1,3,ZEBRA",
    "FULL,3,2,2,ZEBRA",
    "ATTENTION,3,2,1,SEQUENTIAL",
    "FULL,4,1,3,SEQUENTIAL"
  })
  void computingAgainChangesNothing(
      Recompute recompute, int microBatches, int attention, int experts, ScheduleKind schedule)
      throws Exception {
    List<Double> truth = local(plan(microBatches, attention, 1, ONE), 5, 1);

    assertThat(local(plan(microBatches, attention, 1, ONE).with(recompute), 5, 2)).isEqualTo(truth);
    Placement mixed = TestRun.random(new Random(microBatches), attention, experts);
    for (Placement placement : List.of(Placement.balanced(LAYERS, EXPERTS, experts), mixed)) {
      GroupPlan plan = plan(MODEL, microBatches, attention, experts, schedule, placement);
      assertThat(group(plan.with(recompute), 5)).as("%s", placement).isEqualTo(truth);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 5})
  void attentionWorkersChangeNothingButRounding(int attention) throws Exception {
    List<Double> one = losses(plan(2, 1, 1, ONE));
    List<Double> several = losses(plan(2, attention, 1, ONE));

    for (int i = 0; i < one.size(); i++) {
      assertThat(several.get(i)).isCloseTo(one.get(i), Offset.offset(2e-5 * one.get(i)));
    }
  }

  /** Without the experts' rows: what rounding does to a router's choice may change them. */
  private static List<Double> losses(GroupPlan plan) throws Exception {
    return TestRun.localResults(plan, 5, 1).stream().flatMap(TestRun::losses).toList();
  }

  @Test
  void threadsChangeNothing() throws Exception {
    GroupPlan plan = plan(2, 1, 1, ONE);

    assertThat(local(plan, 4, 1)).isEqualTo(local(plan, 4, 3));
  }

  @Test
  void microBatchesChangeNothingButRoundingAndTheBalancingLoss() throws Exception {
    ModelConfig unbalanced =
        new ModelConfig(61, 24, LAYERS, 4, 2, 6, EXPERTS, 3, 20, 1e4, 1e-5, false, 0, 0, 0.05);
    List<Double> losses = new ArrayList<>();
    for (int microBatches : new int[] {1, 4}) {
      GroupPlan plan = plan(unbalanced, microBatches, 1, 1, ScheduleKind.ZEBRA, ONE);
      losses.add(local(plan, 6, 1).getFirst());
    }

    assertThat(losses.get(0)).isCloseTo(losses.get(1), Offset.offset(1e-6));
  }
}
