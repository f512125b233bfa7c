package org.hetermoe.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUuuid;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.Test;

/** Devices, contexts, memory and order, as the driver's interface has them. */
@RequiresEmulatedCuda
class DriverTest {

  @Test
  void devicesSayWhatTheyAre() {
    try (Gpu gpu = new Gpu(70)) {
      int[] count = new int[1];
      Gpu.check(JCudaDriver.cuDeviceGetCount(count));
      assertThat(count).containsExactly(4);
      int[] optIn = {98304, 65536, 166912, 232448};
      for (int k = 0; k < 4; k++) {
        CUdevice device = new CUdevice();
        Gpu.check(JCudaDriver.cuDeviceGet(device, k));
        byte[] name = new byte[64];
        Gpu.check(JCudaDriver.cuDeviceGetName(name, 64, device));
        assertThat(new String(name, StandardCharsets.UTF_8).trim())
            .isEqualTo("Emulated GPU sm_%d (no hardware)", Gpu.CAPABILITIES[k]);
        assertThat(
                attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
                        * 10
                    + attribute(
                        device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR))
            .isEqualTo(Gpu.CAPABILITIES[k]);
        assertThat(
                attribute(
                    device,
                    CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN))
            .isEqualTo(optIn[k]);
        assertThat(attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_WARP_SIZE))
            .isEqualTo(32);
        assertThat(attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT))
            .isPositive();
        long[] total = new long[1];
        Gpu.check(JCudaDriver.cuDeviceTotalMem(total, device));
        assertThat(total).containsExactly(4L << 30);
      }
      List<String> ids = new ArrayList<>();
      for (int k = 0; k < 4; k++) {
        CUdevice device = new CUdevice();
        Gpu.check(JCudaDriver.cuDeviceGet(device, k));
        CUuuid uuid = new CUuuid();
        Gpu.check(JCudaDriver.cuDeviceGetUuid(uuid, device));
        ids.add(uuid.toString());
      }
      assertThat(ids).doesNotHaveDuplicates();
      assertThat(JCudaDriver.cuDeviceGet(new CUdevice(), 4)).isEqualTo(101);
      assertThat(gpu.onlyFault()).isEqualTo("cuDeviceGet: device 4 of 4");
    }
  }

  private static int attribute(CUdevice device, int which) {
    int[] value = new int[1];
    Gpu.check(JCudaDriver.cuDeviceGetAttribute(value, which, device));
    return value[0];
  }

  @Test
  void memoryIsCountedAndRunsOut() {
    try (Gpu gpu = new Gpu(75)) {
      long[] free = new long[1];
      long[] total = new long[1];
      Gpu.check(JCudaDriver.cuMemGetInfo(free, total));
      assertThat(free[0]).isEqualTo(total[0]);
      long x = gpu.allocate(1000);
      Gpu.check(JCudaDriver.cuMemGetInfo(free, total));
      assertThat(total[0] - free[0]).isEqualTo(1000);
      assertThat(JCudaDriver.cuMemAlloc(new CUdeviceptr(), total[0])).isEqualTo(2);
      Gpu.check(JCudaDriver.cuMemFree(new Gpu.DevicePointer(x)));
      assertThat(JCudaDriver.cuMemFree(new Gpu.DevicePointer(x))).isEqualTo(1);
      assertThat(gpu.onlyFault()).contains("freed already");
      Gpu.check(JCudaDriver.cuMemGetInfo(free, total));
      assertThat(free[0]).isEqualTo(total[0]);
    }
  }

  @Test
  void copiesAreChecked() {
    try (Gpu gpu = new Gpu(80)) {
      long x = gpu.allocate(100);
      MemorySegment host = gpu.pinned(100);
      assertThat(
              JCudaDriver.cuMemcpyHtoDAsync(
                  new Gpu.DevicePointer(x), new Gpu.Address(host.address()), 101, gpu.stream))
          .isEqualTo(1);
      assertThat(gpu.onlyFault())
          .startsWith("cuMemcpyHtoDAsync: target of the copy, 101 bytes at 0x")
          .endsWith("it runs past the end of an allocation of 100 bytes");
      assertThat(
              JCudaDriver.cuMemcpyDtoHAsync(
                  new Gpu.Address(host.address() + 60), new Gpu.DevicePointer(x), 50, gpu.stream))
          .isEqualTo(1);
      assertThat(gpu.onlyFault()).endsWith("runs past the end of page-locked memory of 100 bytes");
      assertThat(JCudaDriver.cuMemsetD32Async(new Gpu.DevicePointer(x), 7, 26, gpu.stream))
          .isEqualTo(1);
      assertThat(gpu.onlyFault()).startsWith("cuMemsetD32Async: target of the memset, 104 bytes");
    }
  }

  @Test
  void devicesReachEachOthersMemoryOnceItIsEnabled() {
    try (Gpu volta = new Gpu(70);
        Gpu hopper = new Gpu(90)) {
      JCudaDriver.cuCtxSetCurrent(volta.context());
      long x = volta.upload(1f, 2f);
      JCudaDriver.cuCtxSetCurrent(hopper.context());
      long y = hopper.allocate(8);
      Gpu.check(
          JCudaDriver.cuMemcpyPeerAsync(
              new Gpu.DevicePointer(y),
              hopper.context(),
              new Gpu.DevicePointer(x),
              volta.context(),
              8,
              hopper.stream));
      Gpu.check(hopper.synchronize());
      assertThat(hopper.floats(y, 2)).containsExactly(1, 2);
      assertThat(
              JCudaDriver.cuMemcpyDtoDAsync(
                  new Gpu.DevicePointer(y), new Gpu.DevicePointer(x), 8, hopper.stream))
          .isEqualTo(1);
      assertThat(hopper.onlyFault()).contains("has no peer access");
      Gpu.check(JCudaDriver.cuCtxEnablePeerAccess(volta.context(), 0));
      Gpu.check(
          JCudaDriver.cuMemcpyDtoDAsync(
              new Gpu.DevicePointer(y), new Gpu.DevicePointer(x), 8, hopper.stream));
      assertThat(JCudaDriver.cuCtxEnablePeerAccess(volta.context(), 0)).isEqualTo(704);
    }
  }

  @Test
  void contextsAreOfAThread() throws InterruptedException {
    try (Gpu gpu = new Gpu(80)) {
      int[] codes = new int[2];
      Thread other =
          Thread.ofPlatform()
              .start(
                  () -> {
                    codes[0] = JCudaDriver.cuStreamSynchronize(gpu.stream);
                    JCudaDriver.cuCtxSetCurrent(gpu.context());
                    codes[1] = JCudaDriver.cuStreamSynchronize(gpu.stream);
                  });
      other.join();
      assertThat(codes).containsExactly(201, 0);
    }
  }

  @Test
  void handlesOfWhatIsGoneAreRefused() {
    try (Gpu gpu = new Gpu(80)) {
      gpu.source("extern \"C\" __global__ void f() { }");
      CUevent event = gpu.event();
      Gpu.check(JCudaDriver.cuEventDestroy(event));
      assertThat(JCudaDriver.cuEventRecord(event, gpu.stream)).isEqualTo(400);
      Gpu.check(JCudaDriver.cuStreamDestroy(gpu.stream));
      assertThat(gpu.synchronize()).isEqualTo(400);
      assertThat(JCudaDriver.cuModuleUnload(new CUmodule())).isEqualTo(400);
      assertThat(JCudaDriver.cuModuleGetFunction(new CUfunction(), new CUmodule(), "f"))
          .isEqualTo(400);
      assertThat(Gpu.emulator().faults()).hasSize(4);
    }
  }

  @Test
  void eventsAreQueriedAndTimed() {
    try (Gpu gpu = new Gpu(80)) {
      CUevent before = new CUevent();
      CUevent after = new CUevent();
      Gpu.check(JCudaDriver.cuEventCreate(before, 0));
      Gpu.check(JCudaDriver.cuEventCreate(after, 0));
      Gpu.check(JCudaDriver.cuEventRecord(before, gpu.stream));
      long x = gpu.allocate(64);
      Gpu.check(JCudaDriver.cuMemsetD8Async(new Gpu.DevicePointer(x), (byte) 0, 64, gpu.stream));
      Gpu.check(JCudaDriver.cuEventRecord(after, gpu.stream));
      float[] time = new float[1];
      assertThat(JCudaDriver.cuEventElapsedTime(time, before, after)).isEqualTo(600);
      int queries = 0;
      while (JCudaDriver.cuEventQuery(after) == 600) {
        queries++;
      }
      assertThat(queries).isEqualTo(3);
      Gpu.check(JCudaDriver.cuEventElapsedTime(time, before, after));
      assertThat(time[0]).isNotNegative();
      assertThat(JCudaDriver.cuEventElapsedTime(time, before, gpu.event())).isEqualTo(400);
    }
  }

  @Test
  void workRunsAtOnceIfAsked() {
    try (Gpu gpu = new Gpu(80)) {
      Gpu.emulator().lazy(false);
      try {
        MemorySegment host = gpu.pinned(4);
        long x = gpu.upload(3f);
        Gpu.check(
            JCudaDriver.cuMemcpyDtoHAsync(
                new Gpu.Address(host.address()), new Gpu.DevicePointer(x), 4, gpu.stream));
        assertThat(host.get(ValueLayout.JAVA_FLOAT, 0)).isEqualTo(3f);
      } finally {
        Gpu.emulator().lazy(true);
      }
    }
  }

  @Test
  void registeredMemoryCannotSharePages() {
    try (Gpu gpu = new Gpu(80)) {
      MemorySegment own = java.lang.foreign.Arena.ofAuto().allocate(3 * 4096, 4096);
      Gpu.check(JCudaDriver.cuMemHostRegister(new Gpu.Address(own.address()), 5000, 0));
      assertThat(JCudaDriver.cuMemHostRegister(new Gpu.Address(own.address() + 6000), 1000, 0))
          .isEqualTo(712);
      long x = gpu.upload(4f);
      Gpu.check(
          JCudaDriver.cuMemcpyDtoHAsync(
              new Gpu.Address(own.address()), new Gpu.DevicePointer(x), 4, gpu.stream));
      assertThat(own.get(ValueLayout.JAVA_FLOAT, 0)).isEqualTo(0f);
      Gpu.check(gpu.synchronize());
      assertThat(own.get(ValueLayout.JAVA_FLOAT, 0)).isEqualTo(4f);
      Gpu.check(JCudaDriver.cuMemHostUnregister(new Gpu.Address(own.address())));
      assertThat(JCudaDriver.cuMemHostUnregister(new Gpu.Address(own.address()))).isEqualTo(713);
    }
  }

  @Test
  void anotherProcessHasDevicesOfItsOwn() throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
            System.getProperty("java.home") + "/bin/java",
            "--enable-native-access=ALL-UNNAMED",
            "-Xshare:auto",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            Child.class.getName());
    builder.environment().put("LD_LIBRARY_PATH", Gpu.emulator().libraries().toString());
    builder.environment().put("HETERMOE_EMULATED_GPUS", "86:2G,70");
    Process process = builder.redirectErrorStream(true).start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(text).isZero();
    assertThat(text).contains("2 devices, Emulated GPU sm_86 (no hardware), 2147483648 bytes");
  }

  /** What the other process does. */
  static final class Child {
    private Child() {}

    public static void main(String[] arguments) {
      JCudaDriver.setExceptionsEnabled(true);
      JCudaDriver.cuInit(0);
      int[] count = new int[1];
      JCudaDriver.cuDeviceGetCount(count);
      CUdevice device = new CUdevice();
      JCudaDriver.cuDeviceGet(device, 0);
      byte[] name = new byte[64];
      JCudaDriver.cuDeviceGetName(name, 64, device);
      long[] total = new long[1];
      JCudaDriver.cuDeviceTotalMem(total, device);
      CUcontext context = new CUcontext();
      JCudaDriver.cuDevicePrimaryCtxRetain(context, device);
      System.out.println(
          count[0]
              + " devices, "
              + new String(name, StandardCharsets.UTF_8).trim()
              + ", "
              + total[0]
              + " bytes");
    }
  }
}
