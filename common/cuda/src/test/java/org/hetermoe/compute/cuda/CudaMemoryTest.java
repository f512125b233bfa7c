package org.hetermoe.compute.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.hetermoe.compute.Holder;
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
    try (Arena arena = Arena.ofConfined();
        CudaCompute cuda = EmulatedDevices.open(90)) {
      int half = Math.toIntExact(cuda.freeBytes() / 2 / 1024 / 4);
      Tensor idle = cuda.allocate(DType.F32, Shape.of(half, 1024));
      idle.close();
      Tensor other =
          cuda.allocate(Holder.ACTIVATIONS, DType.BF16, Shape.of(half + half / 4, 1024, 2));
      List<Tensor> small = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        small.add(cuda.allocate(Holder.OPTIMIZER_STATE, DType.F32, Shape.of(1024, (i + 1) * 128)));
      }
      small.add(cuda.transferTensor(arena.allocate(1 << 20, 64), DType.F32, Shape.of(1 << 18)));
      assertThatExceptionOfType(OutOfDeviceMemoryException.class)
          .isThrownBy(() -> cuda.zeros(Holder.WEIGHTS, DType.F32, Shape.of(half, 1024)))
          .withMessageMatching(
              "cuda:3 \\(Emulated GPU sm_90.*\\) is out of memory: F32\\[%d, 1024] for weights takes"
                      .formatted(half)
                  + " .* MiB, .* MiB of .* MiB are free; .* MiB in tensors: activations .* MiB in 1,"
                  + " up to BF16\\[%d, 1024, 2], optimizer state 3\\.0 MiB in 3, up to F32\\[1024,"
                      .formatted(half + half / 4)
                  + " 384], frames 1\\.0 MiB in 1, up to F32\\[262144]; more training\\.micro_batches,"
                  + " training\\.recompute or more workers take less of each");
      small.forEach(Tensor::close);
      other.close();
      cuda.allocate(DType.F32, Shape.of(half, 1024)).close();
      assertThat(cuda.memory().inUseBytes()).isZero();
    }
  }

  /** What the library of products works in is no tensor, and is missed like one. */
  @Test
  void aDeviceWithoutRoomForTheLibrarySaysSo() {
    EmulatedDevices.emulator().memory(1, 6L << 20);
    try {
      assertThatExceptionOfType(OutOfDeviceMemoryException.class)
          .isThrownBy(() -> EmulatedDevices.open(75))
          .withMessageMatching(
              "cuda:1 .* is out of memory: cuBLAS's workspace takes 8\\.0 MiB, .* free; 0\\.0 MiB in"
                  + " tensors: none; .*");
    } finally {
      EmulatedDevices.emulator().memory(1, 4L << 30);
    }
  }
}
