package org.hetermoe.compute.cuda.driver;

import java.lang.foreign.MemorySegment;
import java.util.OptionalLong;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/**
 * A device's primary context: its memory, streams and modules. Any thread may call; each call makes
 * the context the thread's own first.
 *
 * <p>An error of the device itself (a kernel left its memory) is sticky: every later call returns
 * it. It is reported where it is first seen, with the last kernel that was launched, and repeated
 * as such from then on.
 */
public final class Context implements AutoCloseable {
  /** Usable from every context of the process. */
  private static final int PORTABLE = 1;

  /** Usable by kernels, at the address that the host knows. */
  private static final int DEVICE_MAP = 2;

  private static final ThreadLocal<Context> CURRENT = new ThreadLocal<>();

  private final DeviceInfo device;
  private final CUdevice handle = new CUdevice();
  private final CUcontext context = new CUcontext();
  private volatile String lastKernel;
  private volatile CudaException broken;
  private boolean closed;

  Context(DeviceInfo device) {
    this.device = device;
    Driver.check(JCudaDriver.cuDeviceGet(handle, device.ordinal()), "cuDeviceGet");
    Driver.check(JCudaDriver.cuDevicePrimaryCtxRetain(context, handle), "cuDevicePrimaryCtxRetain");
    makeCurrent();
  }

  /** What it is a context of. */
  public DeviceInfo device() {
    return device;
  }

  /** Makes it the calling thread's own, as every method here does by itself. */
  public void makeCurrent() {
    if (CURRENT.get() != this) {
      Driver.check(JCudaDriver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
      CURRENT.set(this);
    }
  }

  void launched(String kernel) {
    lastKernel = kernel;
  }

  /** Fails if a call failed; what the device cannot recover from fails every later call too. */
  void check(int code, String call) {
    if (code == CUresult.CUDA_SUCCESS) {
      return;
    }
    if (broken != null) {
      throw new CudaException(
          call + " on a device that has failed before: " + broken.getMessage(), code);
    }
    boolean sticky = isSticky(code);
    String kernel = sticky && lastKernel != null ? "; last kernel launched: " + lastKernel : "";
    CudaException failure =
        new CudaException(
            call + " on cuda:" + device.ordinal() + ": " + Driver.describe(code) + kernel, code);
    if (sticky) {
      broken = failure;
    }
    throw failure;
  }

  /** Errors of a kernel's execution, after which a context gives the same answer to everything. */
  private static boolean isSticky(int code) {
    return code == CUresult.CUDA_ERROR_ILLEGAL_ADDRESS
        || code == CUresult.CUDA_ERROR_LAUNCH_FAILED
        || code == CUresult.CUDA_ERROR_LAUNCH_TIMEOUT
        || code == CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION
        || code == CUresult.CUDA_ERROR_MISALIGNED_ADDRESS
        || code == CUresult.CUDA_ERROR_INVALID_ADDRESS_SPACE
        || code == CUresult.CUDA_ERROR_INVALID_PC
        || code == CUresult.CUDA_ERROR_HARDWARE_STACK_ERROR
        || code == CUresult.CUDA_ERROR_ASSERT
        || code == CUresult.CUDA_ERROR_ECC_UNCORRECTABLE
        || code == CUresult.CUDA_ERROR_UNKNOWN;
  }

  // ---- memory

  /** Free bytes of the device. */
  public long freeBytes() {
    makeCurrent();
    long[] free = new long[1];
    long[] total = new long[1];
    check(JCudaDriver.cuMemGetInfo(free, total), "cuMemGetInfo");
    return free[0];
  }

  /** Device memory, aligned to 256 bytes at least; empty if the device has no more. */
  public OptionalLong tryAllocate(long bytes) {
    makeCurrent();
    DeviceAddress address = new DeviceAddress();
    int code = JCudaDriver.cuMemAlloc(address, bytes);
    if (code == CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
      return OptionalLong.empty();
    }
    check(code, "cuMemAlloc of " + bytes + " bytes");
    return OptionalLong.of(address.address());
  }

  /** Gives device memory back; waits for everything that may use it. */
  public void free(long address) {
    makeCurrent();
    check(JCudaDriver.cuMemFree(new DeviceAddress(address)), "cuMemFree");
  }

  /**
   * Page-locked host memory, which the device reads and writes by itself.
   *
   * @throws OutOfMemoryError if there is no more
   */
  @SuppressWarnings("restricted") // the product is started with --enable-native-access
  public MemorySegment allocateHost(long bytes) {
    makeCurrent();
    Address address = new Address();
    int code = JCudaDriver.cuMemHostAlloc(address, bytes, PORTABLE | DEVICE_MAP);
    if (code == CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
      throw new OutOfMemoryError("no page-locked memory of " + bytes + " bytes");
    }
    check(code, "cuMemHostAlloc of " + bytes + " bytes");
    return MemorySegment.ofAddress(address.address()).reinterpret(bytes);
  }

  /** Gives page-locked memory back. */
  public void freeHost(long address) {
    makeCurrent();
    check(JCudaDriver.cuMemFreeHost(new Address(address)), "cuMemFreeHost");
  }

  // ---- streams, events, modules

  /** A stream that does not wait for the null stream. */
  public Stream newStream() {
    return new Stream(this);
  }

  /** An event that orders streams. */
  public Event newEvent() {
    return new Event(this, false);
  }

  /** An event that also takes the time. */
  public Event newTimingEvent() {
    return new Event(this, true);
  }

  /**
   * Loads compiled kernels.
   *
   * @param image PTX text or a CUBIN
   * @param name what it is, for errors
   */
  public KernelModule load(byte[] image, String name) {
    return new KernelModule(this, image, name);
  }

  /** Waits until the device has done everything. */
  public void synchronize() {
    makeCurrent();
    check(JCudaDriver.cuCtxSynchronize(), "cuCtxSynchronize");
  }

  /** Lets the device go. What was allocated here must have been given back. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      CURRENT.remove();
      Driver.check(JCudaDriver.cuDevicePrimaryCtxRelease(handle), "cuDevicePrimaryCtxRelease");
    }
  }
}
