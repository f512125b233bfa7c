package org.hetermoe.compute.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.hetermoe.compute.host.HostMemory;
import org.junit.jupiter.api.Test;

class TileRunnerTest {

  @Test
  void everyTileRunsOnceInEveryOperation() {
    try (HostMemory memory = new HostMemory();
        TileRunner runner = new TileRunner(3, memory)) {
      for (int operation = 0; operation < 20_000; operation++) {
        int tiles = operation % 9;
        AtomicIntegerArray runs = new AtomicIntegerArray(9);
        runner.run(tiles, (tile, scratch) -> runs.incrementAndGet(tile));
        for (int tile = 0; tile < 9; tile++) {
          assertThat(runs.get(tile)).isEqualTo(tile < tiles ? 1 : 0);
        }
      }
    }
  }

  @Test
  void aFailureReachesTheCallerAndLeavesTheRunnerUsable() {
    try (HostMemory memory = new HostMemory();
        TileRunner runner = new TileRunner(2, memory)) {
      assertThatThrownBy(
              () ->
                  runner.run(
                      64,
                      (tile, scratch) -> {
                        if (tile == 63) {
                          throw new IndexOutOfBoundsException("tile 63");
                        }
                      }))
          .isInstanceOf(IndexOutOfBoundsException.class)
          .hasMessage("tile 63");
      AtomicIntegerArray runs = new AtomicIntegerArray(64);
      runner.run(64, (tile, scratch) -> runs.incrementAndGet(tile));
      assertThat(runs.toString()).doesNotContain("0");
    }
  }

  @Test
  void idleThreadsSleep() throws InterruptedException {
    try (HostMemory memory = new HostMemory();
        TileRunner runner = new TileRunner(2, memory)) {
      runner.run(8, (tile, scratch) -> scratch.floats(100));
      Thread helper =
          Thread.getAllStackTraces().keySet().stream()
              .filter(thread -> thread.getName().startsWith("hetermoe-cpu-"))
              .findAny()
              .orElseThrow();
      for (int wait = 0; wait < 200 && helper.getState() != Thread.State.WAITING; wait++) {
        Thread.sleep(10);
      }
      assertThat(helper.getState()).isEqualTo(Thread.State.WAITING);
    }
  }
}
