package org.hetermoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.hetermoe.train.TestRun.EXPERTS;
import static org.hetermoe.train.TestRun.LAYERS;
import static org.hetermoe.train.TestRun.MODEL;
import static org.hetermoe.train.TestRun.numbers;
import static org.hetermoe.train.TestRun.placement;
import static org.hetermoe.train.TestRun.plan;

import java.util.List;
import org.assertj.core.data.Offset;
import org.hetermoe.compute.cuda.memory.OutOfDeviceMemoryException;
import org.hetermoe.emulator.EmulatedCuda;
import org.hetermoe.emulator.RequiresEmulatedCuda;
import org.hetermoe.group.Placement;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.GroupPrecision;
import org.hetermoe.run.LossScaleSpec;
import org.hetermoe.run.PrecisionSpec;
import org.hetermoe.schedule.ScheduleKind;
import org.hetermoe.tensor.DType;
import org.hetermoe.train.step.StepResult;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs on emulated devices: the same numbers whoever computes what, and those of the processor. */
@RequiresEmulatedCuda
class CudaTrainingTest {
  private static final Placement ONE = Placement.balanced(LAYERS, EXPERTS, 1);
  private static final long MEMORY = 16L << 20;
  private static EmulatedCuda emulator;

  @BeforeAll
  static void start() {
    emulator = EmulatedCuda.start(70, 75, 80, 90);
    emulator.faults();
  }

  @AfterAll
  static void nothingWasWrong() {
    assertThat(emulator.faults()).isEmpty();
  }

  private static GroupPlan in(GroupPlan plan, DType type) {
    return plan.with(
        GroupPrecision.of(new PrecisionSpec(type, type)), new LossScaleSpec(65536, 2000));
  }

  /** Distributed equals local, to the last bit. */
  @ParameterizedTest
  @CsvSource({"cuda:0,F16", "cuda:1,F32", "cuda:2,BF16", "cuda:3,F32"})
  void aGroupEqualsTheLocalTrainer(String device, DType type) throws Exception {
    Placement mixed =
        placement("a0 e0 a1 e1 a1 e0 e1", "e0 e0 e0 e1 e1 e1 e1", "a1 a1 a0 a0 a0 a1 a0");

    List<StepResult> local = TestRun.localResults(device, in(plan(2, 2, 1, ONE), type), 4, 1);
    List<StepResult> group =
        TestRun.overMemory(device, in(plan(2, 2, 2, mixed), type), 4, each -> each);

    assertThat(numbers(group)).isEqualTo(numbers(local));
  }

  @Test
  void scheduleAndTransportChangeNothing() throws Exception {
    Placement two = Placement.balanced(LAYERS, EXPERTS, 2);
    GroupPlan plan = plan(MODEL, 2, 1, 2, ScheduleKind.SEQUENTIAL, two);

    List<StepResult> sockets = TestRun.overSockets("cuda:2", plan, 3, group -> group);

    assertThat(numbers(sockets))
        .isEqualTo(numbers(TestRun.localResults("cuda:2", plan(2, 1, 1, ONE), 3, 1)));
  }

  /** A device that holds the parameters and not all that a micro-batch leaves. */
  @Test
  void whoRunsOutOfMemoryIsToldWhatTrainingHolds() {
    int device = 1;
    emulator.memory(device, MEMORY);
    try {
      assertThatExceptionOfType(OutOfDeviceMemoryException.class)
          .isThrownBy(
              () ->
                  TestRun.localResults(
                      "cuda:" + device, plan(MODEL, 1, 1, 1, ScheduleKind.ZEBRA, ONE), 1024, 1))
          .withMessageMatching(
              "cuda:1 .* is out of memory: F32\\[13312, \\d+] for activations takes .* MiB in tensors: .*")
          .satisfies(
              e ->
                  assertThat(e.getMessage())
                      .contains("weights ", "gradients ", "optimizer state ", "activations "));
    } finally {
      emulator.memory(device, 4L << 30);
    }
  }

  /** Every generation has the losses of the processor, but for rounding. */
  @ParameterizedTest
  @CsvSource({"cuda:0,F16,4e-3", "cuda:1,F32,1e-5", "cuda:3,BF16,2e-2"})
  void lossesAreTheProcessors(String device, DType type, double share) throws Exception {
    List<StepResult> exact = TestRun.localResults("cpu", plan(2, 1, 1, ONE), 3, 1);
    List<StepResult> cuda = TestRun.localResults(device, in(plan(2, 1, 1, ONE), type), 3, 1);

    for (int step = 0; step < exact.size(); step++) {
      double loss = exact.get(step).loss();
      assertThat(cuda.get(step).loss()).isCloseTo(loss, Offset.offset(share * loss));
    }
  }
}
