package org.hetermoe.compute.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Consumer;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.DeviceTensors;
import org.hetermoe.compute.Tensor;
import org.hetermoe.emulator.RequiresEmulatedCuda;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;
import org.junit.jupiter.api.Test;

@RequiresEmulatedCuda
class CudaErrorsTest {

  /** The device notes them and goes on; whoever waits next is told, once. */
  @Test
  void idsOutsideTheirTableAreReportedToWhoeverWaits() {
    try (Compute cuda = EmulatedDevices.open(80);
        DeviceTensors d = new DeviceTensors(cuda, 1)) {
      Tensor x = d.normal(4, 6);
      Tensor vector = d.output(4);
      Tensor bad = d.ints(new int[] {0, 1, 6, 0}, 4);
      Tensor badPairs = d.ints(new int[] {0, 0, 0, 0, 0, 4, 0, -1}, 4, 2);
      Tensor pairs = d.ints(new int[8], 4, 2);
      outside(cuda, "row 6 is not below 4", c -> c.embed(x, bad, d.output(4, 6)));
      outside(cuda, "id 6 is not below 4", c -> c.embedBackward(bad, d.normal(4, 6), x));
      outside(cuda, "row 6 is not below 4", c -> c.gatherRows(x, bad, null, d.output(4, 6)));
      outside(
          cuda,
          "source (4|-1) is not below 1",
          c -> c.combine(x, List.of(x), badPairs, pairs, null, d.output(4, 6)));
      outside(
          cuda,
          "row (4|-1) is not below 4",
          c -> c.combine(x, List.of(x), pairs, badPairs, null, d.output(4, 6)));
      outside(
          cuda,
          "row (4|-1) is not below 4",
          c -> c.combineBackwardWeights(x, List.of(x), pairs, badPairs, d.output(4, 2)));
      outside(cuda, "target 6 is not below 6", c -> c.crossEntropy(x, bad, vector, vector));
      outside(cuda, "target 6 is not below 6", c -> c.crossEntropyBackward(x, bad, vector, 1, x));
      assertThat(EmulatedDevices.emulator().faults()).isEmpty();
    }
  }

  private static void outside(Compute cuda, String message, Consumer<Compute> operation) {
    operation.accept(cuda);
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(cuda::synchronize)
        .withMessageMatching(message + "; an operation before this read it");
    cuda.synchronize();
  }

  @Test
  void tensorsOfOthersAndClosedOnesAreRefused() {
    try (Compute cuda = EmulatedDevices.open(70);
        Compute other = EmulatedDevices.open(75);
        Tensor there = other.zeros(DType.F32, Shape.of(4))) {
      Tensor here = cuda.zeros(DType.F32, Shape.of(4));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> cuda.add(there, here))
          .withMessage("a tensor of another device: F32[4]");
      Tensor view = here.view(1, Shape.of(2));
      here.close();
      assertThatIllegalStateException().isThrownBy(() -> cuda.fill(view, 0));
      assertThatIllegalStateException().isThrownBy(() -> cuda.add(here, here));
      assertThatIllegalStateException().isThrownBy(() -> here.view(0, Shape.of(1)));
      assertThatExceptionOfType(IndexOutOfBoundsException.class)
          .isThrownBy(() -> there.view(2, Shape.of(3)));
    }
  }

  @Test
  void voltaAndTuringDoNotComputeInBf16() {
    try (Compute volta = EmulatedDevices.open(70);
        Compute ampere = EmulatedDevices.open(80);
        DeviceTensors d = new DeviceTensors(volta, 1, DType.BF16, DType.BF16)) {
      assertThat(ampere.refusal(DType.BF16)).isEmpty();
      assertThat(volta.refusal(DType.F16)).isEmpty();
      assertThat(volta.refusal(DType.BF16))
          .hasValueSatisfying(
              reason ->
                  assertThat(reason)
                      .matches(
                          "Emulated GPU sm_70 .*does not compute in bf16.*use fp16 or fp32.*"));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> volta.linear(d.normal(2, 2), d.normal(2, 2), d.output(2, 2)))
          .withMessage(volta.refusal(DType.BF16).orElseThrow());
    }
  }

  @Test
  void rowsWiderThanABlocksMemoryAreRefused() {
    try (Compute turing = EmulatedDevices.open(75);
        DeviceTensors d = new DeviceTensors(turing, 1)) {
      int columns = 17_000;
      Tensor x = d.output(1, columns);
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  turing.rmsNormBackward(
                      x,
                      d.output(columns),
                      d.output(1),
                      x,
                      d.output(1, columns),
                      d.output(columns)))
          .withMessageMatching(
              "rmsNormBackward on Emulated GPU sm_75.* takes at most 16352 columns.*");
    }
  }

  @Test
  void theDeviceSaysWhatItIs() {
    try (Compute cuda = EmulatedDevices.open(75)) {
      assertThat(cuda.description())
          .matches(
              "cuda:1 \\(Emulated GPU sm_75 \\(no hardware\\), compute capability 7\\.5, .* GiB;"
                  + " driver CUDA 12\\.\\d+, NVRTC 12\\.\\d+, cuBLAS 12\\..*\\)");
      cuda.write(MemorySegment.ofArray(new float[1]), cuda.allocate(DType.F32, Shape.of(1)));
    }
  }
}
