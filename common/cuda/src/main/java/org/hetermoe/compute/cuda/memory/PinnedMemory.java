package org.hetermoe.compute.cuda.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Supplier;
import org.hetermoe.compute.cuda.driver.Context;
import org.hetermoe.tensor.TransferMemory;

/**
 * Page-locked host memory, which a device copies from and to by itself and at full speed. Buffers
 * of any instance are known to the whole process: copies from and to them need no staging.
 */
public final class PinnedMemory implements TransferMemory {
  /** Where the driver's own allocations begin. */
  private static final long PAGE = 4096;

  /** First address to last address of every buffer. */
  private static final ConcurrentSkipListMap<Long, Long> BUFFERS = new ConcurrentSkipListMap<>();

  private final Supplier<Context> opener;
  private Context context;
  private int buffers;

  /**
   * Memory for a device.
   *
   * @param opener opens a context of it, which is held as long as there are buffers
   */
  public PinnedMemory(Supplier<Context> opener) {
    this.opener = opener;
  }

  @Override
  @SuppressWarnings("restricted") // the product is started with --enable-native-access
  public MemorySegment allocate(long bytes, long alignment, Arena arena) {
    if (alignment > PAGE) {
      throw new IllegalArgumentException("page-locked memory is not aligned to " + alignment);
    }
    Context owner = retain();
    MemorySegment memory;
    try {
      memory = owner.allocateHost(Math.max(1, bytes));
    } catch (OutOfMemoryError | RuntimeException e) {
      release();
      throw e;
    }
    long address = memory.address();
    BUFFERS.put(address, address + bytes);
    return MemorySegment.ofAddress(address)
        .reinterpret(
            bytes,
            arena,
            buffer -> {
              BUFFERS.remove(address);
              owner.freeHost(address);
              release();
            });
  }

  private synchronized Context retain() {
    if (context == null) {
      context = opener.get();
    }
    buffers++;
    return context;
  }

  private synchronized void release() {
    buffers--;
    if (buffers == 0) {
      context.close();
      context = null;
    }
  }

  /** Whether a device may copy from and to all of a piece of host memory by itself. */
  static boolean covers(MemorySegment memory) {
    if (!memory.isNative()) {
      return false;
    }
    Map.Entry<Long, Long> buffer = BUFFERS.floorEntry(memory.address());
    return buffer != null && memory.address() + memory.byteSize() <= buffer.getValue();
  }
}
