package org.hetermoe.compute.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import java.util.List;
import org.hetermoe.compute.MemoryUse;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.cuda.memory.OutOfDeviceMemoryException;
import org.hetermoe.emulator.RequiresEmulatedCuda;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;
import org.junit.jupiter.api.Test;

@RequiresEmulatedCuda
class CudaMemoryTest {

  @Test
  void tensorsAreCountedToTheByte() {
    CudaCompute cuda = EmulatedDevices.open(80);
    Tensor a = cuda.allocate(DType.BF16, Shape.of(3, 5));
    Tensor b = cuda.allocate(DType.F32, Shape.of(7));
    assertThat(cuda.memory()).isEqualTo(new MemoryUse(58, 58));
    Tensor view = b.view(2, Shape.of(2));
    view.close();
    b.close();
    b.close();
    assertThat(cuda.memory()).isEqualTo(new MemoryUse(30, 58));
    cuda.close();
    a.close();
    assertThat(cuda.memory()).isEqualTo(new MemoryUse(0, 58));
    assertThatIllegalStateException().isThrownBy(() -> cuda.allocate(DType.F32, Shape.of(1)));
    cuda.close();
  }

  /** What a device took from the driver it gives back, tensors that nobody closed included. */
  @Test
  void closingGivesEverythingBack() {
    CudaCompute keeper = EmulatedDevices.open(75); // holds the context, which takes memory itself
    long before = keeper.freeBytes();
    try (CudaCompute cuda = EmulatedDevices.open(75)) {
      cuda.zeros(DType.F32, Shape.of(1000, 1000));
      cuda.sumOfSquares(cuda.zeros(DType.F32, Shape.of(100_000)));
      assertThat(keeper.freeBytes()).isLessThan(before);
    }
    assertThat(keeper.freeBytes()).isEqualTo(before);
    keeper.close();
  }

  /** Idle blocks make room before anybody is told that there is none. */
  @Test
  void whoAsksTooMuchIsToldWhoHasHowMuch() {
    try (CudaCompute cuda = EmulatedDevices.open(90)) {
      int half = Math.toIntExact(cuda.freeBytes() / 2 / 1024 / 4);
      Tensor idle = cuda.allocate(DType.F32, Shape.of(half, 1024));
      idle.close();
      Tensor other = cuda.allocate(DType.BF16, Shape.of(half + half / 4, 1024, 2));
      List<Tensor> small = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        small.add(cuda.allocate(DType.F32, Shape.of(1024, 256)));
      }
      assertThatExceptionOfType(OutOfDeviceMemoryException.class)
          .isThrownBy(() -> cuda.allocate(DType.F32, Shape.of(half, 1024)))
          .withMessageMatching(
              "cuda:3 \\(Emulated GPU sm_90.*\\) is out of memory: F32\\[%d, 1024] takes .* MiB,"
                      .formatted(half)
                  + " .* MiB of .* MiB are free; .* MiB in tensors: 1 x BF16\\[%d, 1024, 2] .* MiB,"
                      .formatted(half + half / 4)
                  + " 3 x F32\\[1024, 256] 3\\.0 MiB");
      small.forEach(Tensor::close);
      other.close();
      cuda.allocate(DType.F32, Shape.of(half, 1024)).close();
      assertThat(cuda.memory().inUseBytes()).isZero();
    }
  }
}
