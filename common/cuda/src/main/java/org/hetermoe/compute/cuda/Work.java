package org.hetermoe.compute.cuda;

import java.lang.foreign.Arena;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.cuda.driver.Kernel;
import org.hetermoe.compute.cuda.driver.Launch;
import org.hetermoe.compute.cuda.memory.DeviceTensor;
import org.hetermoe.compute.cuda.memory.Lane;
import org.hetermoe.compute.cuda.memory.MemoryPool;

/**
 * Work that is about to be queued in the lane that computes: a kernel and its parameters in their
 * order, then {@link #run}. Tensors among them are ordered against copies.
 */
final class Work {
  private final Launch launch;
  private final Lane lane;
  private final MemoryPool memory;
  private long ticket;

  Work(Arena arena, Lane lane, MemoryPool memory) {
    this.launch = new Launch(arena);
    this.lane = lane;
    this.memory = memory;
  }

  /** Begins with a kernel. */
  Work of(Kernel kernel) {
    launch.of(kernel);
    ticket = lane.nextTicket();
    return this;
  }

  /** Begins something that is no kernel; see {@link #address}. */
  void begin() {
    ticket = lane.nextTicket();
  }

  /** Where a tensor lies, for the work that was begun. */
  long address(Tensor tensor) {
    return DeviceTensor.of(tensor, memory).use(lane, ticket);
  }

  /** A tensor, or null. */
  Work tensor(Tensor tensor) {
    launch.pointer(tensor == null ? 0 : address(tensor));
    return this;
  }

  Work pointer(long address) {
    launch.pointer(address);
    return this;
  }

  Work i32(int value) {
    launch.i32(value);
    return this;
  }

  Work i64(long value) {
    launch.i64(value);
    return this;
  }

  Work f32(float value) {
    launch.f32(value);
    return this;
  }

  Work words(long... words) {
    launch.words(words);
    return this;
  }

  void run(int blocks, int threads) {
    launch.run(lane.stream(), blocks, threads);
  }

  void run(int blocksX, int blocksY, int threads, int sharedBytes) {
    launch.run(lane.stream(), blocksX, blocksY, 1, threads, sharedBytes);
  }
}
