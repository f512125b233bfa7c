package org.hetermoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hetermoe.train.TestRun.EXPERTS;
import static org.hetermoe.train.TestRun.LAYERS;
import static org.hetermoe.train.TestRun.MODEL;
import static org.hetermoe.train.TestRun.numbers;
import static org.hetermoe.train.TestRun.placement;
import static org.hetermoe.train.TestRun.plan;

import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.hetermoe.group.Placement;
import org.hetermoe.optim.LossScaler;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.GroupPrecision;
import org.hetermoe.run.LossScale;
import org.hetermoe.run.LossScaleSpec;
import org.hetermoe.run.PrecisionSpec;
import org.hetermoe.run.Recompute;
import org.hetermoe.schedule.ScheduleKind;
import org.hetermoe.tensor.DType;
import org.hetermoe.train.step.StepResult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Groups whose sides compute in 16 bits, in the same type or in two. */
@Timeout(120)
class MixedPrecisionTest {
  private static final String DEVICE = "reference";
  private static final Placement ONE = Placement.balanced(LAYERS, EXPERTS, 1);
  private static final LossScaleSpec SCALE = new LossScaleSpec(65536, 2000);

  private static GroupPlan in(GroupPlan plan, DType attention, DType experts) {
    return plan.with(GroupPrecision.of(new PrecisionSpec(attention, experts)), SCALE);
  }

  /** Who computes what, how rows travel and what is computed again is data, in any precision. */
  @ParameterizedTest
  @CsvSource({"BF16,BF16", "BF16,F16", "F16,BF16", "F32,F16", "BF16,F32"})
  void placementScheduleTransportAndComputingAgainChangeNothing(DType attention, DType experts)
      throws Exception {
    int sequences = 4;
    List<Double> one = local(in(plan(2, 1, 1, ONE), attention, experts), sequences);
    List<Double> two = local(in(plan(3, 2, 1, ONE), attention, experts), sequences);

    assertThat(
            group(
                in(plan(2, 1, 3, Placement.balanced(LAYERS, EXPERTS, 3)), attention, experts),
                sequences))
        .isEqualTo(one);
    Placement onBoth =
        placement("a0 e0 a0 e1 e0 e0 e1", "e0 e0 e0 e1 e1 e1 e1", "a0 a0 a0 a0 a0 a0 a0");
    assertThat(group(in(plan(2, 1, 2, onBoth), attention, experts), sequences)).isEqualTo(one);
    Placement random = TestRun.random(new Random(3), 2, 2);
    GroupPlan mixed = plan(MODEL, 3, 2, 2, ScheduleKind.SEQUENTIAL, random);
    for (Recompute recompute : Recompute.values()) {
      assertThat(group(in(mixed, attention, experts).with(recompute), sequences))
          .as("%s", recompute)
          .isEqualTo(two);
    }
    assertThat(
            numbers(
                TestRun.overSockets(
                    DEVICE,
                    in(plan(3, 2, 2, random), attention, experts),
                    sequences,
                    group -> group)))
        .isEqualTo(two);
  }

  @ParameterizedTest
  @CsvSource({"BF16,BF16,0.02", "F16,F16,0.004", "BF16,F16,0.02"})
  void lossesAreThoseOfSinglePrecisionButForRounding(DType attention, DType experts, double share)
      throws Exception {
    List<StepResult> exact = results(plan(2, 1, 1, ONE), 4);
    List<StepResult> rounded = results(in(plan(2, 1, 1, ONE), attention, experts), 4);

    for (int step = 0; step < exact.size(); step++) {
      double loss = exact.get(step).loss();
      assertThat(rounded.get(step).loss()).isCloseTo(loss, Offset.offset(share * loss));
      assertThat(rounded.get(step).loss()).isNotEqualTo(loss);
      double norm = exact.get(step).gradientNorm();
      assertThat(rounded.get(step).gradientNorm()).isCloseTo(norm, Offset.offset(0.1 * norm));
    }
  }

  /** Gradients that overflow are everybody's: all skip the step, count it and go on. */
  @ParameterizedTest
  @CsvSource({"F16,F16", "BF16,F16"})
  void aStepThatOverflowsIsSkippedByAllAndCounted(DType attention, DType experts) throws Exception {
    GroupPrecision types = GroupPrecision.of(new PrecisionSpec(attention, experts));
    LossScaleSpec tooLarge = new LossScaleSpec(0x1p20, 2000);
    Placement random = TestRun.random(new Random(5), 2, 2);
    GroupPlan plan = plan(2, 2, 2, random).with(types, tooLarge);

    List<StepResult> results = TestRun.overMemory(DEVICE, plan, 4, group -> group);

    assertThat(numbers(results)).isEqualTo(local(plan(2, 2, 1, ONE).with(types, tooLarge), 4));
    LossScale first = results.getFirst().lossScale().orElseThrow();
    assertThat(first).isEqualTo(new LossScale(0x1p20, 0, true, 1));
    assertThat(results.getFirst().gradientNorm()).isNotFinite();
    LossScale last = results.getLast().lossScale().orElseThrow();
    assertThat(last.skipped()).isFalse();
    assertThat(last.skippedSteps())
        .isEqualTo(results.stream().filter(step -> step.lossScale().get().skipped()).count())
        .isLessThan(results.size());
    assertThat(last.scale()).isEqualTo(0x1p20 / Math.scalb(1.0, last.skippedSteps()));
    assertThat(results.getLast().gradientNorm()).isFinite();
  }

  @Test
  void gradientsThatOverflowWithoutAScaleEndTheRun() {
    GroupPrecision types = GroupPrecision.of(new PrecisionSpec(DType.F16, DType.F16));
    LossScaler scaler =
        new LossScaler(
            plan(1, 1, 1, ONE).with(types, new LossScaleSpec(LossScaleSpec.SMALLEST, 1)));

    assertThatThrownBy(() -> scaler.overflows(Double.POSITIVE_INFINITY))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("bf16");
  }

  private static List<StepResult> results(GroupPlan plan, int sequences) throws Exception {
    return TestRun.localResults(DEVICE, plan, sequences, 1);
  }

  private static List<Double> local(GroupPlan plan, int sequences) throws Exception {
    return numbers(results(plan, sequences));
  }

  private static List<Double> group(GroupPlan plan, int sequences) throws Exception {
    return numbers(TestRun.overMemory(DEVICE, plan, sequences, group -> group));
  }
}
