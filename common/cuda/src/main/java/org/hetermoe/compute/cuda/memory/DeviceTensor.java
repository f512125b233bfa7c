package org.hetermoe.compute.cuda.memory;

import org.hetermoe.compute.Tensor;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * A tensor in the memory of a CUDA device, made by {@link MemoryPool}. Closing returns the memory
 * to its pool; closing twice, or after the pool, does nothing.
 */
public final class DeviceTensor implements Tensor {
  /** What a tensor and its views share. */
  static final class Storage {
    private final MemoryPool pool;
    private final Block block;
    private final long bytes;
    private boolean closed;

    private Storage(MemoryPool pool, Block block, long bytes) {
      this.pool = pool;
      this.block = block;
      this.bytes = bytes;
    }

    Block block() {
      return block;
    }

    long bytes() {
      return bytes;
    }

    private synchronized void close(boolean awaitCopies) {
      if (closed) {
        return;
      }
      closed = true;
      if (awaitCopies) {
        pool.lanes().in().await(block.tickets()[pool.lanes().in().index()]);
        pool.lanes().out().await(block.tickets()[pool.lanes().out().index()]);
      }
      pool.release(this);
    }
  }

  private final Storage storage;
  private final boolean view;
  private final boolean forTransfers;
  private final long address;
  private final DType dtype;
  private final Shape shape;

  DeviceTensor(MemoryPool pool, Block block, DType dtype, Shape shape) {
    this(
        new Storage(pool, block, shape.elements() * dtype.bytes()),
        false,
        false,
        block.address(),
        dtype,
        shape);
  }

  private DeviceTensor(
      Storage storage, boolean view, boolean forTransfers, long address, DType dtype, Shape shape) {
    this.storage = storage;
    this.view = view;
    this.forTransfers = forTransfers;
    this.address = address;
    this.dtype = dtype;
    this.shape = shape;
  }

  /** This tensor, but closing it waits for copies from and to the host. */
  public DeviceTensor forTransfers() {
    return new DeviceTensor(storage, view, true, address, dtype, shape);
  }

  Storage storage() {
    return storage;
  }

  /**
   * A tensor as one of a pool's.
   *
   * @throws IllegalArgumentException if it is of another device
   */
  public static DeviceTensor of(Tensor tensor, MemoryPool pool) {
    if (tensor instanceof DeviceTensor device && device.storage.pool == pool) {
      return device;
    }
    throw new IllegalArgumentException("a tensor of another device: " + tensor);
  }

  /**
   * A tensor as one in the same device's memory, though another instance may have made it.
   *
   * @throws IllegalArgumentException if it is of another device
   */
  public static DeviceTensor near(Tensor tensor, MemoryPool pool) {
    if (tensor instanceof DeviceTensor device && device.storage.pool.sharesDevice(pool)) {
      return device;
    }
    throw new IllegalArgumentException("a tensor of another device: " + tensor);
  }

  /** Whether it is not of this pool. */
  boolean isForeign(MemoryPool pool) {
    return storage.pool != pool;
  }

  @Override
  public DType dtype() {
    return dtype;
  }

  @Override
  public Shape shape() {
    return shape;
  }

  /**
   * Address of the first element, for a piece of work that is about to be queued in a lane: it
   * comes after whatever other lanes do with this tensor's memory, and they after it.
   *
   * @param ticket of the work
   * @throws IllegalStateException if the tensor is closed
   */
  public long use(Lane lane, long ticket) {
    if (storage.closed) {
      throw new IllegalStateException("tensor " + this + " is closed");
    }
    long[] tickets = storage.block.tickets();
    Lanes lanes = storage.pool.lanes();
    for (int other = 0; other < tickets.length; other++) {
      if (other != lane.index() && tickets[other] != 0) {
        lane.waitFor(lanes.of(other), tickets[other]);
      }
    }
    tickets[lane.index()] = ticket;
    return address;
  }

  /** Whether its first element's address is a multiple of so many bytes. */
  public boolean isAligned(int bytes) {
    return address % bytes == 0;
  }

  /**
   * Address of the first element, once all that is queued for this tensor is done; for whoever is
   * not in the order of its pool's lanes.
   *
   * @throws IllegalStateException if the tensor is closed
   */
  long settledAddress() {
    if (storage.closed) {
      throw new IllegalStateException("tensor " + this + " is closed");
    }
    long[] tickets = storage.block.tickets();
    for (int lane = 0; lane < tickets.length; lane++) {
      storage.pool.lanes().of(lane).await(tickets[lane]);
    }
    return address;
  }

  @Override
  public DeviceTensor view(long offset, Shape viewShape) {
    long elements = viewShape.elements();
    if (offset < 0 || offset > shape.elements() - elements) {
      throw new IndexOutOfBoundsException(
          "a view " + viewShape + " at element " + offset + " leaves tensor " + shape);
    }
    if (storage.closed) {
      throw new IllegalStateException("tensor " + this + " is closed");
    }
    return new DeviceTensor(
        storage, true, false, address + offset * dtype.bytes(), dtype, viewShape);
  }

  @Override
  public void close() {
    if (!view) {
      storage.close(forTransfers);
    }
  }

  @Override
  public String toString() {
    return dtype + shape.toString();
  }
}
