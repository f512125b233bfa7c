package org.hetermoe.compute.cuda.driver;

import jcuda.driver.CUevent;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/** A mark in a stream: reached once all that was queued there before it is done. */
public final class Event implements AutoCloseable {
  private static final int TIMED = 0;
  private static final int DISABLE_TIMING = 2;

  private final Context context;
  private final CUevent handle = new CUevent();

  Event(Context context, boolean timed) {
    this.context = context;
    context.makeCurrent();
    context.check(
        JCudaDriver.cuEventCreate(handle, timed ? TIMED : DISABLE_TIMING), "cuEventCreate");
  }

  CUevent handle() {
    return handle;
  }

  /** Marks this place of a stream; an earlier mark is forgotten. */
  public void record(Stream stream) {
    context.makeCurrent();
    context.check(JCudaDriver.cuEventRecord(handle, stream.handle()), "cuEventRecord");
  }

  /** Whether the mark is reached. */
  public boolean isReached() {
    context.makeCurrent();
    int code = JCudaDriver.cuEventQuery(handle);
    if (code == CUresult.CUDA_ERROR_NOT_READY) {
      return false;
    }
    context.check(code, "cuEventQuery");
    return true;
  }

  /** Waits until the mark is reached. */
  public void synchronize() {
    context.makeCurrent();
    context.check(JCudaDriver.cuEventSynchronize(handle), "cuEventSynchronize");
  }

  /** Nanoseconds from an earlier mark to this one; both are timed and reached. */
  public long nanosSince(Event earlier) {
    context.makeCurrent();
    float[] millis = new float[1];
    context.check(
        JCudaDriver.cuEventElapsedTime(millis, earlier.handle, handle), "cuEventElapsedTime");
    return Math.round(millis[0] * 1e6);
  }

  @Override
  public void close() {
    context.makeCurrent();
    context.check(JCudaDriver.cuEventDestroy(handle), "cuEventDestroy");
  }
}
