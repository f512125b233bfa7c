package org.hetermoe.compute.cuda.memory;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Collectors;
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
  private static final int MOST_LISTED = 8;

  private final Context context;
  private final Lanes lanes;
  private final Sizing sizing;
  private final Map<Long, ArrayDeque<Block>> free = new HashMap<>();
  private final Map<DeviceTensor.Storage, String> holders = new HashMap<>();
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

  /**
   * A tensor with undefined contents.
   *
   * @throws IllegalStateException if this pool is closed
   * @throws OutOfDeviceMemoryException if the device has no more, also with all idle blocks given
   *     back; it says who holds how much
   */
  public synchronized DeviceTensor allocate(DType dtype, Shape shape) {
    requireOpen();
    long bytes = Math.multiplyExact(shape.elements(), (long) dtype.bytes());
    DeviceTensor tensor = new DeviceTensor(this, take(bytes, dtype, shape), dtype, shape);
    inUseBytes += bytes;
    peakBytes = Math.max(peakBytes, inUseBytes);
    holders.put(tensor.storage(), dtype + shape.toString());
    return tensor;
  }

  private Block take(long bytes, DType dtype, Shape shape) {
    long capacity = sizing == Sizing.EXACT ? Math.max(1, bytes) : capacity(bytes);
    ArrayDeque<Block> blocks = free.get(capacity);
    Block block = blocks == null ? null : blocks.pollLast();
    if (block != null) {
      return block;
    }
    OptionalLong address = context.tryAllocate(capacity);
    if (address.isEmpty()) {
      giveBack();
      address = context.tryAllocate(capacity);
    }
    if (address.isEmpty()) {
      throw new OutOfDeviceMemoryException(shortage(bytes, dtype, shape));
    }
    reservedBytes += capacity;
    return new Block(address.getAsLong(), capacity);
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

  private String shortage(long bytes, DType dtype, Shape shape) {
    Map<String, long[]> sums = new HashMap<>();
    holders.forEach(
        (storage, kind) -> {
          long[] sum = sums.computeIfAbsent(kind, absent -> new long[2]);
          sum[0]++;
          sum[1] += storage.bytes();
        });
    String list =
        sums.entrySet().stream()
            .sorted((a, b) -> Long.compare(b.getValue()[1], a.getValue()[1]))
            .limit(MOST_LISTED)
            .map(
                entry ->
                    "%d x %s %s"
                        .formatted(
                            entry.getValue()[0], entry.getKey(), mebibytes(entry.getValue()[1])))
            .collect(Collectors.joining(", "));
    return "cuda:%d (%s) is out of memory: %s[%s] takes %s, %s of %s are free; %s in tensors: %s"
        .formatted(
            context.device().ordinal(),
            context.device().name(),
            dtype,
            shape.toString().replaceAll("[\\[\\]]", ""),
            mebibytes(bytes),
            mebibytes(context.freeBytes()),
            mebibytes(context.device().memoryBytes()),
            mebibytes(inUseBytes),
            list.isEmpty() ? "none" : list);
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
    holders.remove(storage);
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
      for (DeviceTensor.Storage storage : holders.keySet()) {
        release(storage.block());
      }
    }
  }
}
