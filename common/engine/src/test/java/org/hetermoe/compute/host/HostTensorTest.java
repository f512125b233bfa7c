package org.hetermoe.compute.host;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.hetermoe.compute.MemoryUse;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;
import org.junit.jupiter.api.Test;

class HostTensorTest {

  @Test
  void aViewSharesItsElements() {
    try (HostMemory memory = new HostMemory();
        HostTensor tensor = memory.allocate(DType.F32, Shape.of(4, 3))) {
      tensor.write(MemorySegment.ofArray(new float[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));

      HostTensor rows = (HostTensor) tensor.rows(1, 2);
      assertThat(rows.shape()).isEqualTo(Shape.of(2, 3));
      assertThat(rows.segment().toArray(JAVA_FLOAT)).containsExactly(3, 4, 5, 6, 7, 8);

      HostTensor inner = rows.view(2, Shape.of(2));
      inner.segment().setAtIndex(JAVA_FLOAT, 0, 50f);
      assertThat(tensor.segment().getAtIndex(JAVA_FLOAT, 5)).isEqualTo(50f);
    }
  }

  @Test
  void aViewStaysInside() {
    try (HostMemory memory = new HostMemory();
        HostTensor tensor = memory.allocate(DType.F32, Shape.of(4, 3))) {
      assertThat(tensor.view(12, Shape.of(0)).bytes()).isZero();
      assertThatThrownBy(() -> tensor.view(10, Shape.of(3)))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> tensor.view(-1, Shape.of(3)))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> tensor.rows(3, 2)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> tensor.view(13, Shape.of(0)))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void blocksBeginOnCacheLines() {
    try (HostMemory memory = new HostMemory()) {
      for (int elements : new int[] {0, 1, 17, 100, 4099}) {
        HostTensor tensor = memory.allocate(DType.I32, Shape.of(elements));
        assertThat(tensor.address() % HostMemory.ALIGNMENT).isZero();
        assertThat(tensor.segment().byteSize()).isEqualTo(4L * elements);
      }
    }
  }

  @Test
  void aClosedTensorIsReusedAndDead() {
    try (HostMemory memory = new HostMemory()) {
      HostTensor first = memory.allocate(DType.F32, Shape.of(1000));
      HostTensor view = first.view(0, Shape.of(10));
      long address = first.address();
      view.close();
      assertThat(first.address()).as("closing a view does nothing").isEqualTo(address);

      first.close();
      first.close();
      assertThatIllegalStateException().isThrownBy(first::address);
      assertThatIllegalStateException().isThrownBy(view::address);

      HostTensor second = memory.allocate(DType.F32, Shape.of(990));
      HostTensor third = memory.allocate(DType.F32, Shape.of(990));
      assertThat(second.address()).isEqualTo(address);
      assertThat(third.address()).as("closing twice gives back once").isNotEqualTo(address);
    }
  }

  @Test
  void aWarmPoolAsksForNothing() {
    try (HostMemory memory = new HostMemory()) {
      long warm = 0;
      for (int step = 0; step < 5; step++) {
        HostTensor a = memory.allocate(DType.F32, Shape.of(300, 7));
        HostTensor b = memory.allocate(DType.I32, Shape.of(5000));
        a.close();
        b.close();
        warm = step == 0 ? memory.reservedBytes() : warm;
      }
      assertThat(memory.reservedBytes()).isEqualTo(warm);
    }
  }

  @Test
  void sizeClassesWasteAtMostAQuarter() {
    for (long bytes = 257; bytes < 100_000; bytes++) {
      long capacity = HostMemory.capacity(bytes);
      assertThat(capacity >= bytes && capacity * 4 <= bytes * 5 + 4 * 64 && capacity % 64 == 0)
          .as("%d bytes in a block of %d", bytes, capacity)
          .isTrue();
    }
  }

  @Test
  void closingAfterTheMemoryIsHarmless() {
    HostMemory memory = new HostMemory();
    HostTensor tensor = memory.allocate(DType.F32, Shape.of(3));
    memory.close();
    tensor.close();
    memory.close();
    assertThatIllegalStateException().isThrownBy(tensor::address);
    assertThatIllegalStateException().isThrownBy(() -> memory.allocate(DType.F32, Shape.of(1)));
  }

  @Test
  void mappedMemoryIsSharedAndLeftAlone() {
    try (HostMemory memory = new HostMemory();
        Arena arena = Arena.ofConfined()) {
      MemorySegment segment = arena.allocate(24, 4);
      HostTensor tensor = memory.map(segment, DType.F32, Shape.of(2, 3));
      tensor.segment().setAtIndex(JAVA_FLOAT, 4, 7f);
      tensor.close();
      assertThat(segment.getAtIndex(JAVA_FLOAT, 4)).isEqualTo(7f);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> memory.map(segment, DType.F32, Shape.of(7)));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> memory.map(segment.asSlice(2, 8), DType.F32, Shape.of(2)));
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> memory.map(MemorySegment.ofArray(new float[2]), DType.F32, Shape.of(2)));
    }
  }

  @Test
  void copiesNeedTheExactSize() {
    try (HostMemory memory = new HostMemory();
        HostTensor tensor = memory.allocate(DType.F32, Shape.of(3))) {
      MemorySegment tooSmall = MemorySegment.ofArray(new float[2]);
      assertThatIllegalArgumentException().isThrownBy(() -> tensor.write(tooSmall));
      assertThatIllegalArgumentException().isThrownBy(() -> tensor.read(tooSmall));
    }
  }

  @Test
  void countsTheBytesOfOpenTensorsAndTheirPeak() {
    try (HostMemory memory = new HostMemory();
        Arena arena = Arena.ofConfined()) {
      HostTensor odd = memory.allocate(DType.F32, Shape.of(77));
      HostTensor half = memory.allocate(DType.F16, Shape.of(10));
      HostTensor mapped = memory.map(arena.allocate(400, 64), DType.F32, Shape.of(100));
      odd.view(3, Shape.of(2)).close();
      assertThat(memory.use()).isEqualTo(new MemoryUse(308 + 20 + 400, 728));

      odd.close();
      odd.close();
      mapped.close();
      assertThat(memory.use()).isEqualTo(new MemoryUse(20, 728));

      HostTensor again = memory.allocate(DType.F32, Shape.of(50));
      assertThat(memory.use()).isEqualTo(new MemoryUse(220, 728));
      again.close();
      half.close();
      assertThat(memory.use().inUseBytes()).isZero();
    }
  }
}
