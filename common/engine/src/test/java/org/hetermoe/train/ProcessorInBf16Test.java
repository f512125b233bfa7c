package org.hetermoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hetermoe.train.TestRun.CPU_IN_BF16;
import static org.hetermoe.train.TestRun.EXPERTS;
import static org.hetermoe.train.TestRun.LAYERS;
import static org.hetermoe.train.TestRun.numbers;
import static org.hetermoe.train.TestRun.placement;
import static org.hetermoe.train.TestRun.plan;

import java.util.List;
import org.assertj.core.data.Offset;
import org.hetermoe.group.Placement;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.GroupPrecision;
import org.hetermoe.run.LossScaleSpec;
import org.hetermoe.run.PrecisionSpec;
import org.hetermoe.run.Recompute;
import org.hetermoe.tensor.DType;
import org.hetermoe.train.step.StepResult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Training in bf16 on the processor's device, with a plain product on any processor. */
@Timeout(120)
class ProcessorInBf16Test {
  private static final Placement ONE = Placement.balanced(LAYERS, EXPERTS, 1);
  private static final LossScaleSpec SCALE = new LossScaleSpec(65536, 2000);

  private static GroupPlan in(GroupPlan plan, DType attention, DType experts) {
    return plan.with(GroupPrecision.of(new PrecisionSpec(attention, experts)), SCALE);
  }

  private static GroupPlan inBf16(GroupPlan plan) {
    return in(plan, DType.BF16, DType.BF16);
  }

  @ParameterizedTest
  @CsvSource({"BF16,BF16", "BF16,F32", "F32,BF16"})
  void lossesAreThoseOfSinglePrecisionButForRounding(DType attention, DType experts)
      throws Exception {
    List<StepResult> exact = TestRun.localResults("cpu", plan(2, 1, 1, ONE), 4, 2);
    List<StepResult> rounded =
        TestRun.localResults(CPU_IN_BF16, in(plan(2, 1, 1, ONE), attention, experts), 4, 2);

    for (int step = 0; step < exact.size(); step++) {
      double loss = exact.get(step).loss();
      assertThat(rounded.get(step).loss()).isCloseTo(loss, Offset.offset(0.02 * loss));
      assertThat(rounded.get(step).loss()).isNotEqualTo(loss);
      double norm = exact.get(step).gradientNorm();
      assertThat(rounded.get(step).gradientNorm()).isCloseTo(norm, Offset.offset(0.1 * norm));
    }
  }

  @Test
  void lossesAreThoseOfTheReference() throws Exception {
    List<StepResult> wanted = TestRun.localResults("reference", inBf16(plan(2, 1, 1, ONE)), 4, 1);
    List<StepResult> got = TestRun.localResults(CPU_IN_BF16, inBf16(plan(2, 1, 1, ONE)), 4, 2);

    for (int step = 0; step < wanted.size(); step++) {
      double loss = wanted.get(step).loss();
      assertThat(got.get(step).loss()).isCloseTo(loss, Offset.offset(0.01 * loss));
    }
  }

  @Test
  void neitherRepetitionNorThreadsShow() throws Exception {
    List<Double> truth = local(inBf16(plan(2, 1, 1, ONE)), 1);

    for (int threads : new int[] {1, 2, 3}) {
      assertThat(local(inBf16(plan(2, 1, 1, ONE)), threads)).isEqualTo(truth);
    }
  }

  @ParameterizedTest
  @EnumSource(Recompute.class)
  void computingAgainChangesNothing(Recompute recompute) throws Exception {
    assertThat(local(inBf16(plan(2, 1, 1, ONE)).with(recompute), 2))
        .isEqualTo(local(inBf16(plan(2, 1, 1, ONE)), 1));
  }

  @Test
  void aGroupEqualsTheLocalTrainer() throws Exception {
    List<Double> truth = local(inBf16(plan(2, 1, 1, ONE)), 2);

    Placement onBoth =
        placement("a0 e0 a0 e1 e0 e0 e1", "e0 e0 e0 e1 e1 e1 e1", "a0 a0 a0 a0 a0 a0 a0");
    for (Recompute recompute : Recompute.values()) {
      GroupPlan plan = inBf16(plan(2, 1, 2, onBoth)).with(recompute);
      assertThat(numbers(TestRun.overMemory(CPU_IN_BF16, plan, 4, group -> group)))
          .isEqualTo(truth);
    }
  }

  private static List<Double> local(GroupPlan plan, int threads) throws Exception {
    return numbers(TestRun.localResults(CPU_IN_BF16, plan, 4, threads));
  }
}
