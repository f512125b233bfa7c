package org.hetermoe.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.hetermoe.tensor.TransferMemory;
import org.junit.jupiter.api.Test;

class FrameBuffersTest {
  @Test
  void sizeClassesWasteAtMostAQuarter() {
    assertThat(FrameBuffers.sizeClass(0)).isEqualTo(1024);
    assertThat(FrameBuffers.sizeClass(1025)).isEqualTo(1280);
    assertThat(FrameBuffers.sizeClass(2048)).isEqualTo(2048);
    for (long bytes = 1025; bytes < 1 << 20; bytes += 37) {
      assertThat(FrameBuffers.sizeClass(bytes)).isBetween(bytes, bytes + bytes / 4 + 1);
    }
  }

  @Test
  void buffersAreReused() {
    try (FrameBuffers buffers = new FrameBuffers()) {
      FrameBuffers.Block first = buffers.take(5000);
      long address = first.memory().address();
      assertThat(address % FrameHeader.ALIGNMENT).isZero();
      buffers.give(first);
      FrameBuffers.Block second = buffers.take(4800);
      assertThat(second.memory().address()).isEqualTo(address);
      assertThat(buffers.allocations()).isEqualTo(1);
      buffers.give(second);
    }
  }

  @Test
  void whatIsIdleIsBounded() {
    try (FrameBuffers buffers = new FrameBuffers(TransferMemory.PLAIN, 10_000)) {
      List<FrameBuffers.Block> blocks = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        blocks.add(buffers.take(4096));
      }
      assertThat(buffers.outstanding()).isEqualTo(8);
      assertThat(buffers.outstandingBytes()).isEqualTo(8 * 4096);
      blocks.forEach(buffers::give);
      assertThat(buffers.idleBytes()).isEqualTo(2 * 4096);
      assertThat(buffers.outstanding()).isZero();
      assertThat(blocks.getLast().memory().scope().isAlive()).isFalse();
    }
  }

  @Test
  void whatComesBackAfterTheCloseIsFreed() {
    FrameBuffers buffers = new FrameBuffers();
    FrameBuffers.Block block = buffers.take(100);
    buffers.close();
    assertThat(block.memory().scope().isAlive()).isTrue();
    buffers.give(block);
    assertThat(block.memory().scope().isAlive()).isFalse();
    assertThatThrownBy(() -> buffers.take(100)).isInstanceOf(IllegalStateException.class);
  }
}
