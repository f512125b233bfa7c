package org.hetermoe.compute.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.hetermoe.compute.Completion;
import org.hetermoe.compute.Mark;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.cuda.memory.PinnedMemory;
import org.hetermoe.emulator.RequiresEmulatedCuda;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;
import org.hetermoe.tensor.TransferMemory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What is queued in one order has the effects of that order. The emulator does all work as late as
 * it may: whatever nobody waits for has not happened yet.
 */
@RequiresEmulatedCuda
class CudaTransfersTest {
  private static final int N = 5000;

  private final Arena arena = Arena.ofShared();
  private CudaCompute cuda;
  private TransferMemory pinned;

  @BeforeEach
  void open() {
    CudaRuntime runtime = EmulatedDevices.runtime();
    cuda = EmulatedDevices.open(80);
    pinned = new PinnedMemory(() -> runtime.driver().open(runtime.device("2")));
  }

  @AfterEach
  void close() {
    assertThat(cuda.memory().inUseBytes()).isZero();
    cuda.close();
    arena.close();
    assertThat(EmulatedDevices.emulator().faults()).isEmpty();
  }

  private MemorySegment buffer(float value) {
    MemorySegment buffer = pinned.allocate(N * 4L, 64, arena);
    fill(buffer, value);
    return buffer;
  }

  private static void fill(MemorySegment buffer, float value) {
    for (long i = 0; i < buffer.byteSize() / 4; i++) {
      buffer.setAtIndex(JAVA_FLOAT, i, value);
    }
  }

  private static void assertAll(MemorySegment buffer, float value) {
    for (long i = 0; i < buffer.byteSize() / 4; i++) {
      if (buffer.getAtIndex(JAVA_FLOAT, i) != value) {
        assertThat(buffer.getAtIndex(JAVA_FLOAT, i)).as("element %d", i).isEqualTo(value);
      }
    }
  }

  private Tensor tensor() {
    return cuda.allocate(DType.F32, Shape.of(N));
  }

  @Test
  void aChainOfUploadsAndSumsAndDownloads() {
    try (Tensor sum = cuda.zeros(DType.F32, Shape.of(N))) {
      List<Completion> completions = new ArrayList<>();
      List<MemorySegment> results = new ArrayList<>();
      for (int step = 1; step <= 12; step++) {
        MemorySegment frame = buffer(step);
        try (Tensor arrived = cuda.transferTensor(frame, DType.F32, Shape.of(N))) {
          cuda.upload(frame, arrived);
          cuda.add(arrived, sum);
        }
        MemorySegment result = buffer(-1);
        results.add(result);
        completions.add(cuda.download(sum, result));
      }
      for (int step = 12; step >= 1; step--) {
        completions.get(step - 1).await();
        assertThat(completions.get(step - 1).isDone()).isTrue();
        assertAll(results.get(step - 1), step * (step + 1) / 2f);
      }
    }
  }

  /** A tensor is closed with work under way, and the next one has its memory at once. */
  @Test
  void memoryIsNotReusedBeforeItsWorkIsDone() {
    MemorySegment first = buffer(-1);
    MemorySegment ones = buffer(1);
    MemorySegment second = buffer(-1);
    Tensor a = tensor();
    cuda.fill(a, 7);
    Completion saved = cuda.download(a, first);
    a.close();
    Tensor b = tensor(); // a's block
    cuda.upload(ones, b); // on another lane than the download that still reads it
    cuda.add(b, b);
    Completion result = cuda.download(b, second);
    b.close();
    Tensor c = tensor();
    cuda.fill(c, -3);
    c.close();
    saved.await();
    result.await();
    assertAll(first, 7);
    assertAll(second, 2);
  }

  @Test
  void whatIsDownloadedIsWhatWasThereThen() {
    MemorySegment target = buffer(-1);
    try (Tensor x = tensor()) {
      cuda.fill(x, 5);
      Completion completion = cuda.download(x, target);
      cuda.fill(x, 6);
      MemorySegment eight = buffer(8);
      cuda.upload(eight, x);
      completion.await();
      assertAll(target, 5);
      cuda.read(x, target);
      assertAll(target, 8);
    }
  }

  @Test
  void anUploadWaitsForThoseWhoReadTheTensor() {
    MemorySegment three = buffer(3);
    MemorySegment four = buffer(4);
    try (Tensor x = tensor();
        Tensor y = tensor()) {
      cuda.upload(three, x);
      cuda.copy(x, y);
      cuda.upload(four, x);
      assertThat(read(y)).containsOnly(3);
      assertThat(read(x)).containsOnly(4);
    }
  }

  private float[] read(Tensor x) {
    float[] values = new float[(int) x.shape().elements()];
    cuda.read(x, MemorySegment.ofArray(values));
    return values;
  }

  /** Memory that is not page-locked goes through a buffer, in pieces, and may change at once. */
  @Test
  void ordinaryMemoryMayBeLargeAndChangeAtOnce() {
    int count = 5 << 20;
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = i;
    }
    float[] back = new float[count];
    try (Tensor x = cuda.allocate(DType.F32, Shape.of(count))) {
      cuda.upload(MemorySegment.ofArray(values), x);
      Arrays.fill(values, -1);
      cuda.download(x, MemorySegment.ofArray(back)).await();
    }
    for (int i = 0; i < count; i++) {
      if (back[i] != i) {
        assertThat(back[i]).isEqualTo(i);
      }
    }
  }

  @Test
  void manySmallUploadsGoRoundTheBuffer() {
    List<Tensor> tensors = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      float[] values = new float[100_000];
      Arrays.fill(values, i);
      Tensor x = cuda.allocate(DType.F32, Shape.of(values.length));
      cuda.upload(MemorySegment.ofArray(values), x);
      tensors.add(x);
    }
    for (int i = 0; i < tensors.size(); i++) {
      assertThat(read(tensors.get(i))).containsOnly(i);
      tensors.get(i).close();
    }
  }

  /** The channel takes a frame's buffer back once its tensor is closed. */
  @Test
  void closingATensorForTransfersWaitsForItsBuffer() {
    MemorySegment frame = buffer(2);
    try (Tensor kept = tensor()) {
      Tensor arrived = cuda.transferTensor(frame, DType.F32, Shape.of(N));
      cuda.upload(frame, arrived);
      cuda.copy(arrived, kept);
      arrived.close();
      fill(frame, 99);
      assertThat(read(kept)).containsOnly(2);
    }
  }

  /** What the device does between two marks is not done yet when its calls return. */
  @Test
  void marksAreReachedWithTheWorkBeforeThem() {
    try (Tensor x = tensor();
        Mark begin = cuda.mark()) {
      cuda.fill(x, 1);
      cuda.add(x, x);
      try (Mark end = cuda.mark()) {
        assertThat(end.isReached()).isFalse();
        assertThat(end.nanosSince(begin)).isNotNegative();
        assertThat(end.isReached()).isTrue();
        assertThatIllegalArgumentException().isThrownBy(() -> end.nanosSince(Mark.now()));
      }
    }
  }

  @Test
  void emptyTensorsAreCopied() {
    try (Tensor empty = cuda.allocate(DType.F32, Shape.of(0, 3))) {
      cuda.write(MemorySegment.ofArray(new float[0]), empty);
      cuda.read(empty, MemorySegment.ofArray(new float[0]));
      cuda.copy(empty, empty.rows(0, 0));
    }
  }

  @Test
  void sizesAndBuffersThatDoNotFitAreRefused() {
    MemorySegment buffer = buffer(0);
    try (Tensor x = tensor()) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> cuda.upload(buffer.asSlice(0, 8), x))
          .withMessageContaining("has 20000 bytes, host memory 8");
      assertThatIllegalArgumentException().isThrownBy(() -> cuda.download(x, buffer.asSlice(0, 8)));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> cuda.transferTensor(buffer, DType.F32, Shape.of(N + 1)));
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  cuda.transferTensor(MemorySegment.ofArray(new float[N]), DType.F32, Shape.of(N)));
    }
  }
}
