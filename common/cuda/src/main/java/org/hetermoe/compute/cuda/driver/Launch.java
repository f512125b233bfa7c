package org.hetermoe.compute.cuda.driver;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import jcuda.driver.JCudaDriver;

/**
 * Launches kernels: parameters one by one in their order, then {@link #run}. The driver takes the
 * parameters when it is called, so one pair of segments serves every launch; JCuda's own way to
 * pass them costs 7.5 us a launch. One is used by one thread at a time.
 */
public final class Launch {
  /** The most that a kernel's parameters may take. */
  private static final long MOST_BYTES = 4096;

  private static final int MOST_PARAMETERS = 128;

  private final MemorySegment values;
  private final MemorySegment addresses;
  private final Address parameters;
  private Kernel kernel;
  private int count;
  private long used;

  /** An arena owns the parameters' memory. */
  public Launch(Arena arena) {
    this.values = arena.allocate(MOST_BYTES, JAVA_LONG.byteSize());
    this.addresses = arena.allocate(JAVA_LONG, MOST_PARAMETERS);
    this.parameters = new Address(addresses.address());
  }

  /** Begins the launch of a kernel. */
  public Launch of(Kernel next) {
    kernel = next;
    count = 0;
    used = 0;
    return this;
  }

  /** A pointer; 0 is null. */
  public Launch pointer(long address) {
    values.set(JAVA_LONG, next(JAVA_LONG.byteSize()), address);
    return this;
  }

  /** A 32-bit integer. */
  public Launch i32(int value) {
    values.set(JAVA_INT, next(JAVA_INT.byteSize()), value);
    return this;
  }

  /** A 64-bit integer. */
  public Launch i64(long value) {
    values.set(JAVA_LONG, next(JAVA_LONG.byteSize()), value);
    return this;
  }

  /** A float. */
  public Launch f32(float value) {
    values.set(JAVA_FLOAT, next(JAVA_FLOAT.byteSize()), value);
    return this;
  }

  /** A double. */
  public Launch f64(double value) {
    values.set(JAVA_DOUBLE, next(JAVA_DOUBLE.byteSize()), value);
    return this;
  }

  /** A structure passed by value that is made of 64-bit words. */
  public Launch words(long... words) {
    long at = next(words.length * JAVA_LONG.byteSize());
    for (int i = 0; i < words.length; i++) {
      values.set(JAVA_LONG, at + i * JAVA_LONG.byteSize(), words[i]);
    }
    return this;
  }

  private long next(long bytes) {
    long at = used;
    // Every parameter begins on a word, which is aligned enough for all of them.
    used += (bytes + 7) / 8 * 8;
    if (used > MOST_BYTES || count == MOST_PARAMETERS) {
      throw new IllegalArgumentException("too many parameters for " + kernel);
    }
    addresses.setAtIndex(JAVA_LONG, count++, values.address() + at);
    return at;
  }

  /** Queues the kernel: {@code blocks} blocks of {@code threads} threads. */
  public void run(Stream stream, int blocks, int threads) {
    run(stream, blocks, 1, 1, threads, 0);
  }

  /**
   * Queues the kernel; nothing where the grid is empty.
   *
   * @param sharedBytes dynamic shared memory of a block
   */
  public void run(
      Stream stream, int blocksX, int blocksY, int blocksZ, int threads, int sharedBytes) {
    if (blocksX == 0 || blocksY == 0 || blocksZ == 0) {
      return;
    }
    Context context = kernel.context();
    kernel.allowSharedBytes(sharedBytes);
    context.makeCurrent();
    int code =
        JCudaDriver.cuLaunchKernel(
            kernel.function(),
            blocksX,
            blocksY,
            blocksZ,
            threads,
            1,
            1,
            sharedBytes,
            stream.handle(),
            parameters,
            null);
    if (code != 0) {
      context.check(
          code,
          "launch of %s, %d x %d x %d blocks of %d threads with %d bytes of shared memory"
              .formatted(kernel, blocksX, blocksY, blocksZ, threads, sharedBytes));
    }
    context.launched(kernel.name());
  }
}
