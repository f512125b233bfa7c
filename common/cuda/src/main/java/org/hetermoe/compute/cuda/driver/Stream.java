package org.hetermoe.compute.cuda.driver;

import jcuda.driver.JCudaDriver;

/** A queue of work on a device: what is queued here is done in order. Lengths are in bytes. */
public final class Stream implements AutoCloseable {
  private static final int NON_BLOCKING = 1;

  private final Context context;
  private final StreamHandle handle = new StreamHandle();

  Stream(Context context) {
    this.context = context;
    context.makeCurrent();
    context.check(JCudaDriver.cuStreamCreate(handle, NON_BLOCKING), "cuStreamCreate");
  }

  StreamHandle handle() {
    return handle;
  }

  /** The driver's handle, for libraries that queue work here. */
  public long address() {
    return handle.address();
  }

  /** Its context. */
  public Context context() {
    return context;
  }

  /** Queues a copy from page-locked memory, which stays as it is until the copy is done. */
  public void copyToDevice(long target, long host, long bytes) {
    context.makeCurrent();
    context.check(
        JCudaDriver.cuMemcpyHtoDAsync(new DeviceAddress(target), new Address(host), bytes, handle),
        "cuMemcpyHtoDAsync");
  }

  /** Queues a copy to page-locked memory. */
  public void copyToHost(long host, long source, long bytes) {
    context.makeCurrent();
    context.check(
        JCudaDriver.cuMemcpyDtoHAsync(new Address(host), new DeviceAddress(source), bytes, handle),
        "cuMemcpyDtoHAsync");
  }

  /** Queues a copy within the device. */
  public void copy(long target, long source, long bytes) {
    context.makeCurrent();
    context.check(
        JCudaDriver.cuMemcpyDtoDAsync(
            new DeviceAddress(target), new DeviceAddress(source), bytes, handle),
        "cuMemcpyDtoDAsync");
  }

  /** Queues the setting of bytes to one value. */
  public void fill(long target, byte value, long bytes) {
    context.makeCurrent();
    context.check(
        JCudaDriver.cuMemsetD8Async(new DeviceAddress(target), value, bytes, handle),
        "cuMemsetD8Async");
  }

  /** What is queued here from now on waits for what the event marks. */
  public void waitFor(Event event) {
    context.makeCurrent();
    context.check(JCudaDriver.cuStreamWaitEvent(handle, event.handle(), 0), "cuStreamWaitEvent");
  }

  /** Waits until all that is queued is done. */
  public void synchronize() {
    context.makeCurrent();
    context.check(JCudaDriver.cuStreamSynchronize(handle), "cuStreamSynchronize");
  }

  /** Destroys it, once its work is done. */
  @Override
  public void close() {
    context.makeCurrent();
    context.check(JCudaDriver.cuStreamDestroy(handle), "cuStreamDestroy");
  }
}
