package org.hetermoe.compute.cuda;

import java.lang.foreign.Arena;
import java.util.Optional;
import org.hetermoe.compute.cuda.compile.Architecture;
import org.hetermoe.compute.cuda.compile.KernelCache;
import org.hetermoe.compute.cuda.driver.Context;
import org.hetermoe.compute.cuda.driver.DeviceInfo;
import org.hetermoe.compute.cuda.driver.Driver;
import org.hetermoe.compute.cuda.memory.Lanes;
import org.hetermoe.compute.cuda.memory.MemoryPool;
import org.hetermoe.compute.cuda.memory.Transfers;
import org.hetermoe.tensor.DType;

/** What the operations of a device share: its context, lanes, memory and kernels. */
final class CudaDevice implements AutoCloseable {
  private static final Architecture BFLOAT16 = new Architecture(8, 0);

  private final Arena arena = Arena.ofShared();
  private final Context context;
  private final Lanes lanes;
  private final MemoryPool memory;
  private final Mailbox mailbox;
  private final Transfers transfers;
  private final KernelCache cache;
  private final Kernels kernels;
  private final Work work;

  CudaDevice(Driver driver, DeviceInfo info, KernelCache cache, MemoryPool.Sizing sizing) {
    this.context = driver.open(info);
    this.lanes = new Lanes(context);
    this.memory = new MemoryPool(context, lanes, sizing);
    this.mailbox = new Mailbox(context);
    this.transfers = new Transfers(context, memory, mailbox::check);
    this.cache = cache;
    this.kernels = new Kernels(context, cache);
    this.work = new Work(arena, lanes.compute(), memory);
  }

  Context context() {
    return context;
  }

  DeviceInfo info() {
    return context.device();
  }

  Lanes lanes() {
    return lanes;
  }

  MemoryPool memory() {
    return memory;
  }

  Transfers transfers() {
    return transfers;
  }

  Mailbox mailbox() {
    return mailbox;
  }

  Kernels kernels() {
    return kernels;
  }

  /** Where compiled kernels come from. */
  KernelCache cache() {
    return cache;
  }

  /** The one piece of work that is about to be queued. */
  Work work() {
    return work;
  }

  /** Why this device does not compute in a type, and what to use instead; empty if it does. */
  Optional<String> refusal(DType type) {
    Architecture architecture = kernels.architecture();
    return switch (type) {
      case F32, F16 -> Optional.empty();
      case BF16 ->
          architecture.isAtLeast(BFLOAT16)
              ? Optional.empty()
              : Optional.of(
                  "%s (compute capability %s) does not compute in bf16, which needs 8.0 (A100) or"
                          .formatted(info().name(), info().capability())
                      + " newer; use fp16 or fp32 there");
      case I32 -> Optional.of("no device computes in int32; use fp32, fp16 or bf16");
    };
  }

  /** Waits for all that is queued, and reports what the device found wrong. */
  void synchronize() {
    memory.requireOpen();
    lanes.synchronize();
    mailbox.check();
  }

  @Override
  public void close() {
    try (arena;
        context;
        lanes;
        mailbox;
        transfers;
        kernels) {
      memory.close();
    }
  }
}
