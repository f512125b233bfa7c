package org.hetermoe.compute.cuda.memory;

import java.lang.foreign.MemorySegment;
import org.hetermoe.compute.Completion;
import org.hetermoe.compute.cuda.driver.Context;

/**
 * Copies between host and device, beside whatever is computed: from and to page-locked memory
 * directly, from and to other memory through a page-locked buffer.
 */
public final class Transfers implements AutoCloseable {
  private final MemoryPool memory;
  private final Lane in;
  private final Lane out;
  private final Runnable check;
  private final StagingBuffer stagingIn;
  private final StagingBuffer stagingOut;

  /**
   * Transfers of a device.
   *
   * @param check called whenever a copy was waited for; fails if the device found a fault
   */
  public Transfers(Context context, MemoryPool memory, Runnable check) {
    Lanes lanes = memory.lanes();
    this.memory = memory;
    this.in = lanes.in();
    this.out = lanes.out();
    this.check = check;
    this.stagingIn = new StagingBuffer(context, in);
    this.stagingOut = new StagingBuffer(context, out);
  }

  /**
   * Queues a copy of host elements to a tensor of exactly their size.
   *
   * @throws IllegalArgumentException if the sizes differ
   */
  public Completion upload(MemorySegment source, DeviceTensor target) {
    requireSize(source, target);
    long bytes = source.byteSize();
    if (PinnedMemory.covers(source)) {
      long ticket = in.nextTicket();
      long address = target.use(in, ticket);
      if (bytes > 0) {
        in.stream().copyToDevice(address, source.address(), bytes);
      }
      in.mark(ticket);
      return new Copy(in, ticket);
    }
    long ticket = 0;
    long done = 0;
    do {
      long size = Math.min(StagingBuffer.LARGEST, bytes - done);
      MemorySegment piece = stagingIn.take(size);
      MemorySegment.copy(source, done, piece, 0, size);
      ticket = in.nextTicket();
      long address = target.use(in, ticket);
      if (size > 0) {
        in.stream().copyToDevice(address + done, piece.address(), size);
      }
      stagingIn.taken(ticket);
      done += size;
    } while (done < bytes);
    in.mark(ticket);
    return Completion.DONE; // the source has been read
  }

  /**
   * Queues a copy of a tensor to host memory of exactly its size; waits where that is not
   * page-locked, or the tensor of another instance on the same device.
   *
   * @throws IllegalArgumentException if the sizes differ
   */
  public Completion download(DeviceTensor source, MemorySegment target) {
    requireSize(target, source);
    long bytes = target.byteSize();
    if (PinnedMemory.covers(target)) {
      long ticket = out.nextTicket();
      long address = address(source, ticket);
      if (bytes > 0) {
        out.stream().copyToHost(target.address(), address, bytes);
      }
      out.mark(ticket);
      Completion copy = new Copy(out, ticket);
      if (source.isForeign(memory)) {
        copy.await(); // its owner does not know of the copy, and may reuse the memory
      }
      return copy;
    }
    if (target.isReadOnly()) {
      throw new IllegalArgumentException("the target is read-only");
    }
    downloadStaged(source, target);
    check.run();
    return Completion.DONE;
  }

  private void downloadStaged(DeviceTensor source, MemorySegment target) {
    long bytes = target.byteSize();
    MemorySegment before = null;
    long beforeTicket = 0;
    long beforeAt = 0;
    long done = 0;
    do {
      long size = Math.min(StagingBuffer.LARGEST, bytes - done);
      MemorySegment piece = stagingOut.take(size);
      long ticket = out.nextTicket();
      long address = address(source, ticket);
      if (size > 0) {
        out.stream().copyToHost(piece.address(), address + done, size);
      }
      stagingOut.taken(ticket);
      out.mark(ticket);
      if (before != null) {
        deliver(before, beforeTicket, target, beforeAt);
      }
      before = piece;
      beforeTicket = ticket;
      beforeAt = done;
      done += size;
    } while (done < bytes);
    deliver(before, beforeTicket, target, beforeAt);
  }

  private long address(DeviceTensor source, long ticket) {
    return source.isForeign(memory) ? source.settledAddress() : source.use(out, ticket);
  }

  private void deliver(MemorySegment piece, long ticket, MemorySegment target, long at) {
    out.await(ticket);
    MemorySegment.copy(piece, 0, target, at, piece.byteSize());
  }

  private static void requireSize(MemorySegment host, DeviceTensor tensor) {
    if (host.byteSize() != tensor.bytes()) {
      throw new IllegalArgumentException(
          "tensor " + tensor + " has " + tensor.bytes() + " bytes, host memory " + host.byteSize());
    }
  }

  @Override
  public void close() {
    stagingIn.close();
    stagingOut.close();
  }

  /** A copy under way in a lane. */
  private final class Copy implements Completion {
    private final Lane lane;
    private final long ticket;

    Copy(Lane lane, long ticket) {
      this.lane = lane;
      this.ticket = ticket;
    }

    @Override
    public boolean isDone() {
      return lane.isDone(ticket);
    }

    @Override
    public void await() {
      lane.await(ticket);
      check.run();
    }
  }
}
