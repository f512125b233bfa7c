package org.hetermoe.emulator;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import jcuda.CudaException;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/**
 * One emulated device for a test, through JCuda; closing it gives its context back, with whatever
 * went wrong in it.
 */
final class Gpu implements AutoCloseable {

  /** The devices of this module's tests, one JVM for all of them. */
  static final int[] CAPABILITIES = {70, 75, 80, 90};

  private static final EmulatedCuda EMULATOR = EmulatedCuda.start(CAPABILITIES);

  private final CUdevice device = new CUdevice();
  private final CUcontext context = new CUcontext();
  private final CUmodule module = new CUmodule();
  private final Arena arena = Arena.ofShared();
  final Stream stream = new Stream();
  final int capability;

  Gpu(int capability) {
    this.capability = capability;
    JCudaDriver.setExceptionsEnabled(false);
    int ordinal = List.of(70, 75, 80, 90).indexOf(capability);
    check(JCudaDriver.cuInit(0));
    check(JCudaDriver.cuDeviceGet(device, ordinal));
    check(JCudaDriver.cuDevicePrimaryCtxRetain(context, device));
    check(JCudaDriver.cuCtxSetCurrent(context));
    check(JCudaDriver.cuStreamCreate(stream, 1));
    EMULATOR.faults();
  }

  static EmulatedCuda emulator() {
    return EMULATOR;
  }

  /** A pointer to any address. */
  static final class Address extends Pointer {
    Address(long address) {
      super(address);
    }
  }

  /** A stream whose handle can be read. */
  static final class Stream extends CUstream {
    long address() {
      return getNativePointer();
    }
  }

  /** A device address that can be read. */
  static final class DevicePointer extends CUdeviceptr {
    DevicePointer() {}

    DevicePointer(long address) {
      super(new CUdeviceptr(), address);
    }

    long address() {
      return getNativePointer() + getByteOffset();
    }
  }

  static void check(int code) {
    if (code != 0) {
      throw new CudaException("code " + code + ", " + EMULATOR.faults());
    }
  }

  CUcontext context() {
    return context;
  }

  Gpu source(String cuda) {
    return ptx(Nvrtc.ptx(cuda, "compute_" + capability));
  }

  Gpu ptx(String text) {
    check(load(text));
    return this;
  }

  int load(String text) {
    return load(text.getBytes(UTF_8));
  }

  int load(byte[] image) {
    return JCudaDriver.cuModuleLoadData(module, java.util.Arrays.copyOf(image, image.length + 1));
  }

  /** PTX with one kernel of the given body; parameter p is where it writes. */
  Gpu kernel(String body) {
    return ptx(kernelText(capability, body));
  }

  static String kernelText(int capability, String body) {
    return """
        .version 7.8
        .target sm_%d
        .address_size 64
        .visible .entry k(.param .u64 p, .param .u64 q)
        {
          .reg .b16 %%h<32>; .reg .b32 %%r<64>; .reg .b64 %%rd<32>; .reg .f32 %%f<64>; .reg .f64 %%fd<16>;
          .reg .pred %%p<16>;
          ld.param.u64 %%rd0, [p];
          ld.param.u64 %%rd1, [q];
          mov.u32 %%r0, %%tid.x;
          mul.wide.u32 %%rd2, %%r0, 4;
          add.u64 %%rd3, %%rd0, %%rd2;
          add.u64 %%rd4, %%rd1, %%rd2;
        %s
          ret;
        }
        """
        .formatted(capability, body);
  }

  long allocate(long bytes) {
    DevicePointer p = new DevicePointer();
    check(JCudaDriver.cuMemAlloc(p, bytes));
    return p.address();
  }

  @SuppressWarnings("restricted") // tests are started with --enable-native-access
  MemorySegment pinned(long bytes) {
    Address p = new Address(0);
    check(JCudaDriver.cuMemHostAlloc(p, bytes, 0));
    return MemorySegment.ofAddress(addressOf(p)).reinterpret(bytes);
  }

  private static long addressOf(Pointer p) {
    // JCuda writes the address into the pointer; a buffer of it gives it back
    return MemorySegment.ofBuffer(p.getByteBuffer(0, 1)).address();
  }

  long upload(MemorySegment values) {
    long to = allocate(values.byteSize());
    MemorySegment copy = arena.allocate(values.byteSize(), 16).copyFrom(values);
    check(
        JCudaDriver.cuMemcpyHtoD(
            new DevicePointer(to), new Address(copy.address()), copy.byteSize()));
    return to;
  }

  long upload(int... values) {
    return upload(MemorySegment.ofArray(values));
  }

  long upload(float... values) {
    return upload(MemorySegment.ofArray(values));
  }

  long upload(short... values) {
    return upload(MemorySegment.ofArray(values));
  }

  MemorySegment download(long from, long bytes) {
    MemorySegment to = arena.allocate(bytes, 16);
    check(JCudaDriver.cuMemcpyDtoH(new Address(to.address()), new DevicePointer(from), bytes));
    return to;
  }

  int[] ints(long from, int count) {
    return download(from, 4L * count).toArray(ValueLayout.JAVA_INT);
  }

  float[] floats(long from, int count) {
    return download(from, 4L * count).toArray(ValueLayout.JAVA_FLOAT);
  }

  short[] shorts(long from, int count) {
    return download(from, 2L * count).toArray(ValueLayout.JAVA_SHORT);
  }

  CUfunction function(String name) {
    CUfunction f = new CUfunction();
    check(JCudaDriver.cuModuleGetFunction(f, module, name));
    return f;
  }

  /** Enqueues a kernel; arguments are Long, Integer or Float. The code of the launch. */
  int launch(String name, int grid, int block, int shared, Object... arguments) {
    MemorySegment values = arena.allocate(8L * arguments.length + 8, 8);
    MemorySegment pointers = arena.allocate(8L * arguments.length + 8, 8);
    for (int k = 0; k < arguments.length; k++) {
      long at = 8L * k;
      switch (arguments[k]) {
        case Long v -> values.set(JAVA_LONG, at, v);
        case Integer v -> values.set(ValueLayout.JAVA_INT, at, v);
        case Float v -> values.set(ValueLayout.JAVA_FLOAT, at, v);
        default -> throw new IllegalArgumentException(arguments[k].toString());
      }
      pointers.set(JAVA_LONG, at, values.address() + at);
    }
    return JCudaDriver.cuLaunchKernel(
        function(name),
        grid,
        1,
        1,
        block,
        1,
        1,
        shared,
        stream,
        new Address(pointers.address()),
        null);
  }

  /** Runs a kernel to its end, which has to go well. */
  Gpu run(String name, int grid, int block, int shared, Object... arguments) {
    check(launch(name, grid, block, shared, arguments));
    check(synchronize());
    assertThat(EMULATOR.faults()).isEmpty();
    return this;
  }

  /** Runs a kernel that goes wrong: what was reported. */
  String fault(String name, int grid, int block, int shared, Object... arguments) {
    int code = launch(name, grid, block, shared, arguments);
    assertThat(code == 0 ? synchronize() : code).isNotZero();
    return onlyFault();
  }

  String onlyFault() {
    List<String> lines = EMULATOR.faults();
    assertThat(lines).hasSize(1);
    return lines.getFirst();
  }

  int synchronize() {
    return JCudaDriver.cuStreamSynchronize(stream);
  }

  CUevent event() {
    CUevent e = new CUevent();
    check(JCudaDriver.cuEventCreate(e, 2));
    return e;
  }

  static byte[] bytes(MemorySegment s) {
    return s.toArray(JAVA_BYTE);
  }

  @Override
  public void close() {
    JCudaDriver.cuDevicePrimaryCtxReset(device);
    JCudaDriver.cuCtxSetCurrent(new CUcontext());
    EMULATOR.faults();
    arena.close();
  }
}
