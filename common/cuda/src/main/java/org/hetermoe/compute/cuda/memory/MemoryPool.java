package org.hetermoe.compute.cuda.memory;

import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import org.hetermoe.compute.Holder;
import org.hetermoe.compute.MemoryUse;
import org.hetermoe.compute.cuda.driver.Context;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * Device memory for tensors. A closed tensor's block waits for the next tensor of its size class,
 * so that after the first steps nothing is asked of the driver, whose giving and taking waits for
 * the device. The block may still be in use by work that is queued: it takes the tickets of that
 * work along, and whichever lane uses it next waits for them.
 *
 * <p>Thread-safe. Closing gives everything back; tensors that are closed later are left alone.
 */
public final class MemoryPool implements AutoCloseable {
  /** How blocks are rounded up. */
  public enum Sizing {
    /** To size classes, at most a quarter apart (an eighth from 16 MiB on); kept for reuse. */
    CLASSES,
    /**
     * Not at all, and given back at once: whoever leaves a tensor leaves its block, which tools
     * that watch the device's memory see.
     */
    EXACT
  }

  private static final long SMALLEST_BLOCK = 512;
  private static final long LARGE = 16L << 20;

  /** What memory is held for, and as which type and shape. */
  private record Holding(Holder holder, String tensor) {}

  private final Context context;
  private final Lanes lanes;
  private final Sizing sizing;
  private final Map<Long, ArrayDeque<Block>> free = new HashMap<>();
  private final Map<DeviceTensor.Storage, Holding> holdings = new HashMap<>();
  private long reservedBytes;
  private long inUseBytes;
  private long peakBytes;
  private boolean closed;

  /** A pool over a context's memory. */
  public MemoryPool(Context context, Lanes lanes, Sizing sizing) {
    this.context = context;
    this.lanes = lanes;
    this.sizing = sizing;
  }

  /** Whether both are over memory of one device. */
  boolean sharesDevice(MemoryPool other) {
    return context.device().ordinal() == other.context.device().ordinal();
  }

  Lanes lanes() {
    return lanes;
  }

  /** A tensor for {@link Holder#WORKSPACE}. */
  public DeviceTensor allocate(DType dtype, Shape shape) {
    return allocate(Holder.WORKSPACE, dtype, shape);
  }

  /**
   * A tensor with undefined contents.
   *
   * @throws IllegalStateException if this pool is closed
   * @throws OutOfDeviceMemoryException if the device has no more, also with all idle blocks given
   *     back; it says who holds how much
   */
  public synchronized DeviceTensor allocate(Holder holder, DType dtype, Shape shape) {
    requireOpen();
    long bytes = Math.multiplyExact(shape.elements(), (long) dtype.bytes());
    DeviceTensor tensor = new DeviceTensor(this, take(bytes, holder, dtype, shape), dtype, shape);
    inUseBytes += bytes;
    peakBytes = Math.max(peakBytes, inUseBytes);
    holdings.put(tensor.storage(), new Holding(holder, tensor.toString()));
    return tensor;
  }

  private Block take(long bytes, Holder holder, DType dtype, Shape shape) {
    long capacity = sizing == Sizing.EXACT ? Math.max(1, bytes) : capacity(bytes);
    ArrayDeque<Block> blocks = free.get(capacity);
    Block block = blocks == null ? null : blocks.pollLast();
    if (block != null) {
      return block;
    }
    long address = request(capacity, bytes, dtype + shape.toString() + " for " + holder.label());
    reservedBytes += capacity;
    return new Block(address, capacity);
  }

  /**
   * Memory beside tensors, which the caller gives back to the context.
   *
   * @param what in words, for the message if there is no more
   * @return its address
   * @throws OutOfDeviceMemoryException as {@link #allocate}
   */
  public synchronized long reserve(long bytes, String what) {
    requireOpen();
    return request(bytes, bytes, what);
  }

  /** Asks the driver, and again with all idle blocks given back. */
  private long request(long capacity, long bytes, String what) {
    OptionalLong address = context.tryAllocate(capacity);
    if (address.isEmpty()) {
      giveBack();
      address = context.tryAllocate(capacity);
    }
    return address.orElseThrow(() -> new OutOfDeviceMemoryException(shortage(bytes, what)));
  }

  /** Gives idle blocks back to the driver. */
  private void giveBack() {
    lanes.synchronize();
    for (Iterator<ArrayDeque<Block>> each = free.values().iterator(); each.hasNext(); ) {
      for (Block block : each.next()) {
        release(block);
      }
      each.remove();
    }
  }

  private void release(Block block) {
    context.free(block.address());
    reservedBytes -= block.capacity();
  }

  private String shortage(long bytes, String what) {
    return "cuda:%d (%s) is out of memory: %s takes %s, %s of %s are free; %s in tensors: %s; more"
            .formatted(
                context.device().ordinal(),
                context.device().name(),
                what,
                mebibytes(bytes),
                mebibytes(context.freeBytes()),
                mebibytes(context.device().memoryBytes()),
                mebibytes(inUseBytes),
                holdings.isEmpty() ? "none" : holdings())
        + " training.micro_batches, training.recompute or more workers take less of each";
  }

  /** Who has how much, the most first: {@code weights 12.0 MiB in 2, up to BF16[1024, 1024]}. */
  private String holdings() {
    Map<Holder, List<DeviceTensor.Storage>> byHolder =
        holdings.keySet().stream()
            .collect(Collectors.groupingBy(storage -> holdings.get(storage).holder));
    return byHolder.entrySet().stream()
        .sorted(Comparator.comparingLong(entry -> -bytes(entry.getValue())))
        .map(
            entry -> {
              DeviceTensor.Storage largest =
                  Collections.max(
                      entry.getValue(), Comparator.comparingLong(DeviceTensor.Storage::bytes));
              return "%s %s in %d, up to %s"
                  .formatted(
                      entry.getKey().label(),
                      mebibytes(bytes(entry.getValue())),
                      entry.getValue().size(),
                      holdings.get(largest).tensor);
            })
        .collect(Collectors.joining(", "));
  }

  private static long bytes(List<DeviceTensor.Storage> storages) {
    return storages.stream().mapToLong(DeviceTensor.Storage::bytes).sum();
  }

  private static String mebibytes(long bytes) {
    return "%.1f MiB".formatted(bytes / (double) (1 << 20));
  }

  /** What tensors take, to the byte; also after this was closed. */
  public synchronized MemoryUse use() {
    return new MemoryUse(inUseBytes, peakBytes);
  }

  /** Bytes taken from the driver now, with what rounding and idle blocks take. */
  public synchronized long reservedBytes() {
    return reservedBytes;
  }

  /**
   * Fails unless this pool is open.
   *
   * @throws IllegalStateException if it is closed
   */
  public synchronized void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the device's memory is closed");
    }
  }

  /** Takes a tensor's block back. */
  synchronized void release(DeviceTensor.Storage storage) {
    inUseBytes -= storage.bytes();
    holdings.remove(storage);
    Block block = storage.block();
    if (closed) {
      return;
    }
    if (sizing == Sizing.EXACT) {
      lanes.synchronize();
      release(block);
      return;
    }
    // A copy to the next tensor here shall wait for this tensor's last use, and for no later work.
    lanes.compute().mark(block.tickets()[lanes.compute().index()]);
    free.computeIfAbsent(block.capacity(), size -> new ArrayDeque<>()).addLast(block);
  }

  /** Rounds up to one of four size classes per power of two, of eight where blocks are large. */
  static long capacity(long bytes) {
    if (bytes <= SMALLEST_BLOCK) {
      return SMALLEST_BLOCK;
    }
    long step = Long.highestOneBit(bytes - 1) >> (bytes > LARGE ? 3 : 2);
    return (bytes + step - 1) / step * step;
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      giveBack();
      // Tensors that nobody closed.
      for (DeviceTensor.Storage storage : holdings.keySet()) {
        release(storage.block());
      }
    }
  }
}
