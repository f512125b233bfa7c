package org.hetermoe.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/**
 * What the emulator's silence is worth: each bug that it is there to find, planted, and the line
 * that it printed, which {@code target/planted-bugs.txt} keeps.
 */
@RequiresEmulatedCuda
class PlantedBugsTest {

  private static final String KERNELS =
      """
      extern "C" __global__ void no_syncthreads(float* y) {
        __shared__ float s[64];
        s[threadIdx.x] = threadIdx.x;
        y[threadIdx.x] = s[63 - threadIdx.x];
      }
      extern "C" __global__ void read_then_write(float* y) {
        __shared__ float s[64];
        s[threadIdx.x] = threadIdx.x;
        __syncthreads();
        float v = s[63 - threadIdx.x];
        s[threadIdx.x] = 2 * v;
        y[threadIdx.x] = v;
      }
      extern "C" __global__ void no_syncwarp(float* y) {
        __shared__ float s[32];
        s[threadIdx.x] = threadIdx.x;
        y[threadIdx.x] = s[31 - threadIdx.x];
      }
      extern "C" __global__ void with_syncwarp(float* y) {
        __shared__ float s[32];
        s[threadIdx.x] = threadIdx.x;
        __syncwarp();
        y[threadIdx.x] = s[31 - threadIdx.x];
      }
      extern "C" __global__ void past_the_end(float* y, int n) {
        y[threadIdx.x + n] = 1;
      }
      extern "C" __global__ void misaligned(float* y) {
        float4 v = *(float4*)(y + 1);
        y[0] = v.x + v.w;
      }
      extern "C" __global__ void shared_overrun(float* y, int n) {
        __shared__ float s[32];
        s[threadIdx.x + n] = 1;
        __syncthreads();
        y[threadIdx.x] = s[threadIdx.x];
      }
      extern "C" __global__ void exited_lane(float* y) {
        if (threadIdx.x > 20) return;
        float v = threadIdx.x;
        v += __shfl_down_sync(0xffffffffu, v, 4);
        y[threadIdx.x] = v;
      }
      extern "C" __global__ void divergent_shuffle(float* y) {
        float v = threadIdx.x;
        if (threadIdx.x < 16) v += __shfl_xor_sync(0xffffffffu, v, 8);
        y[threadIdx.x] = v;
      }
      extern "C" __global__ void two_barriers(float* y) {
        __shared__ float s[64];
        s[threadIdx.x] = 1;
        if (threadIdx.x < 40) {
          __syncthreads();
          y[threadIdx.x] = s[63 - threadIdx.x];
        } else {
          y[threadIdx.x] = 3;
          __syncthreads();
          y[threadIdx.x] += s[0];
        }
      }
      extern "C" __global__ void __launch_bounds__(64) bounded(float* y) { y[threadIdx.x] = 1; }
      extern "C" __global__ void dynamic_memory(float* y) {
        extern __shared__ float s[];
        s[threadIdx.x] = 1;
        y[threadIdx.x] = s[threadIdx.x];
      }
      extern "C" __global__ void copy(const float* x, float* y) { y[threadIdx.x] = x[threadIdx.x]; }
      """;

  private interface Body {
    void run(Gpu gpu);
  }

  private static void onGpu(Body body) {
    try (Gpu gpu = new Gpu(80)) {
      gpu.source(KERNELS);
      body.run(gpu);
    }
  }

  /** The lines that were printed, by the test that planted the bug. */
  private static final SortedMap<String, List<String>> PRINTED = new TreeMap<>();

  private String planted;

  @BeforeEach
  void plant(TestInfo test) {
    planted = test.getTestMethod().orElseThrow().getName();
  }

  /** What the silence is worth can be read in one place. */
  @AfterAll
  static void write() throws IOException {
    List<String> lines = new ArrayList<>();
    PRINTED.forEach((bug, printed) -> printed.forEach(line -> lines.add(bug + ": " + line)));
    Files.write(Path.of("target", "planted-bugs.txt"), lines);
  }

  /** Notes a line for the report; as {@link #plain}. */
  private String printed(String fault) {
    PRINTED.computeIfAbsent(planted, absent -> new ArrayList<>()).add(fault);
    return plain(fault);
  }

  /** A wait that was left out has no line: it shows in a number. */
  private void computed(List<Float> withoutAndWith) {
    printed("no line, but the number %s; with the wait %s".formatted(withoutAndWith.toArray()));
  }

  /** Address and PTX line differ from compiler to compiler; the rest is what is asserted. */
  private static String plain(String fault) {
    return fault
        .replaceAll("PTX line \\d+ '[^']*'", "PTX")
        .replaceAll("0x7[0-9a-f]{9,}", "ADDRESS");
  }

  @Test
  void missingSyncthreads() {
    onGpu(
        gpu -> {
          // an overrun of the reader by the writer of the other warp, and the other way round
          assertThat(printed(gpu.fault("no_syncthreads", 1, 64, 0, gpu.allocate(256))))
              .matches(
                  "kernel no_syncthreads, block \\(0,0,0\\), thread \\(\\d+,0,0\\), test.cu:[34], PTX: race in shared"
                      + " memory: (read|write) of 4 bytes at 0x[0-9a-f]+ after an unsynchronised (write|read) by .*");
        });
    onGpu(
        gpu ->
            assertThat(printed(gpu.fault("read_then_write", 1, 64, 0, gpu.allocate(256))))
                .isEqualTo(
                    "kernel read_then_write, block (0,0,0), thread (32,0,0), test.cu:10, PTX: race in shared memory:"
                        + " read of 4 bytes at 0x7c after an unsynchronised write by thread 31"));
  }

  @Test
  void missingSyncwarp() {
    onGpu(
        gpu ->
            assertThat(printed(gpu.fault("no_syncwarp", 1, 32, 0, gpu.allocate(128))))
                .isEqualTo(
                    "kernel no_syncwarp, block (0,0,0), thread (0,0,0), test.cu:17, PTX: race in shared memory: read of"
                        + " 4 bytes at 0x7c after an unsynchronised write by thread 31"));
    onGpu(gpu -> gpu.run("with_syncwarp", 1, 32, 0, gpu.allocate(128)));
  }

  @Test
  void racesAreOnlyLookedForIfAsked() {
    onGpu(
        gpu -> {
          Gpu.emulator().raceCheck(false);
          try {
            gpu.run("no_syncwarp", 1, 32, 0, gpu.allocate(128));
          } finally {
            Gpu.emulator().raceCheck(true);
          }
        });
  }

  @Test
  void writePastTheEnd() {
    onGpu(
        gpu ->
            assertThat(printed(gpu.fault("past_the_end", 1, 32, 0, gpu.allocate(128), 3)))
                .isEqualTo(
                    "kernel past_the_end, block (0,0,0), thread (29,0,0), test.cu:26, PTX: write of 4 bytes at ADDRESS"
                        + " of global memory: it is 0 bytes past the end of an allocation of 128 bytes"));
  }

  @Test
  void misalignedAccess() {
    onGpu(
        gpu ->
            assertThat(printed(gpu.fault("misaligned", 1, 1, 0, gpu.allocate(128))))
                .isEqualTo(
                    "kernel misaligned, block (0,0,0), thread (0,0,0), test.cu:29, PTX: misaligned read of 16 bytes at"
                        + " ADDRESS"));
  }

  @Test
  void sharedOverrun() {
    onGpu(
        gpu ->
            assertThat(printed(gpu.fault("shared_overrun", 1, 32, 0, gpu.allocate(128), 8)))
                .isEqualTo(
                    "kernel shared_overrun, block (0,0,0), thread (24,0,0), test.cu:34, PTX: write of 4 bytes at 0x80"
                        + " of shared memory, which has 128 bytes"));
  }

  @Test
  void shuffleThatNamesLanesThatEnded() {
    onGpu(
        gpu ->
            assertThat(printed(gpu.fault("exited_lane", 1, 32, 0, gpu.allocate(128))))
                .contains(
                    "kernel exited_lane, block (0,0,0), thread (0,0,0), test.cu:",
                    "PTX: all lanes of the mask have to"
                        + " take part, and lane 21 has ended or never was"));
  }

  @Test
  void shuffleUnderABranch() {
    onGpu(
        gpu ->
            assertThat(printed(gpu.fault("divergent_shuffle", 1, 32, 0, gpu.allocate(128))))
                .containsPattern(
                    "lanes wait for others of their mask that do not come|lane 16 has ended"));
  }

  @Test
  void barrierOnTwoPaths() {
    onGpu(
        gpu ->
            assertThat(printed(gpu.fault("two_barriers", 1, 64, 0, gpu.allocate(256))))
                .isEqualTo(
                    "kernel two_barriers, block (0,0,0), thread (40,0,0), test.cu:57, PTX: lanes of one warp wait at"
                        + " different barriers; others are at test.cu:53, PTX"));
  }

  @Test
  void missingEventBetweenStreams() {
    onGpu(
        gpu -> {
          CUstream other = new CUstream();
          Gpu.check(JCudaDriver.cuStreamCreate(other, 1));
          MemorySegment host = gpu.pinned(128);
          host.set(ValueLayout.JAVA_FLOAT, 0, 5f);
          List<Float> found = new ArrayList<>();
          for (boolean waits : new boolean[] {false, true}) {
            long x = gpu.allocate(128);
            long y = gpu.allocate(128);
            Gpu.check(
                JCudaDriver.cuMemcpyHtoDAsync(
                    new Gpu.DevicePointer(x), new Gpu.Address(host.address()), 128, other));
            CUevent copied = gpu.event();
            Gpu.check(JCudaDriver.cuEventRecord(copied, other));
            if (waits) {
              Gpu.check(JCudaDriver.cuStreamWaitEvent(gpu.stream, copied, 0));
            }
            gpu.run("copy", 1, 32, 0, x, y);
            found.add(gpu.floats(y, 1)[0]);
          }
          assertThat(found).containsExactly(Float.NaN, 5f);
          computed(found);
        });
  }

  @Test
  void pinnedBufferUsedAgainTooEarly() {
    onGpu(
        gpu -> {
          List<Float> found = new ArrayList<>();
          for (boolean waits : new boolean[] {false, true}) {
            MemorySegment host = gpu.pinned(4);
            host.set(ValueLayout.JAVA_FLOAT, 0, 5f);
            long x = gpu.allocate(4);
            Gpu.check(
                JCudaDriver.cuMemcpyHtoDAsync(
                    new Gpu.DevicePointer(x), new Gpu.Address(host.address()), 4, gpu.stream));
            CUevent copied = gpu.event();
            Gpu.check(JCudaDriver.cuEventRecord(copied, gpu.stream));
            if (waits) {
              Gpu.check(JCudaDriver.cuEventSynchronize(copied));
            }
            host.set(ValueLayout.JAVA_FLOAT, 0, 6f);
            Gpu.check(gpu.synchronize());
            found.add(gpu.floats(x, 1)[0]);
          }
          assertThat(found).containsExactly(6f, 5f);
          computed(found);
        });
  }

  @Test
  void hostReadBeforeItsEvent() {
    onGpu(
        gpu -> {
          List<Float> found = new ArrayList<>();
          for (boolean waits : new boolean[] {false, true}) {
            MemorySegment host = gpu.pinned(4);
            host.set(ValueLayout.JAVA_FLOAT, 0, 1f);
            long x = gpu.upload(9f);
            Gpu.check(
                JCudaDriver.cuMemcpyDtoHAsync(
                    new Gpu.Address(host.address()), new Gpu.DevicePointer(x), 4, gpu.stream));
            CUevent copied = gpu.event();
            Gpu.check(JCudaDriver.cuEventRecord(copied, gpu.stream));
            if (waits) {
              Gpu.check(JCudaDriver.cuEventSynchronize(copied));
            }
            found.add(host.get(ValueLayout.JAVA_FLOAT, 0));
          }
          assertThat(found).containsExactly(1f, 9f);
          computed(found);
        });
  }

  @Test
  void memoryThatWasNotWrittenIsNan() {
    onGpu(
        gpu -> {
          long y = gpu.allocate(128);
          gpu.run("copy", 1, 32, 0, gpu.allocate(128), y);
          assertThat(gpu.floats(y, 32)).containsOnly(Float.NaN);
          assertThat(gpu.floats(gpu.allocate(64 << 20) + (50 << 20), 4)).containsOnly(Float.NaN);
        });
  }

  @Test
  void useAfterFree() {
    onGpu(
        gpu -> {
          long x = gpu.upload(new float[32]);
          Gpu.check(JCudaDriver.cuMemFree(new Gpu.DevicePointer(x)));
          assertThat(printed(gpu.fault("copy", 1, 32, 0, x, gpu.allocate(128))))
              .contains(
                  "kernel copy",
                  "read of 4 bytes at ADDRESS of global memory: use after free of an allocation of 128 bytes");
        });
  }

  @Test
  void memoryOfAnotherDevice() {
    try (Gpu volta = new Gpu(70)) {
      long x = volta.upload(new float[32]);
      onGpu(
          gpu ->
              assertThat(printed(gpu.fault("copy", 1, 32, 0, x, gpu.allocate(128))))
                  .endsWith(
                      "it belongs to another context (device 0), to which device 2 has no peer access"));
      JCudaDriver.cuCtxSetCurrent(volta.context());
    }
  }

  @Test
  void workWithoutAContext() {
    onGpu(
        gpu -> {
          JCudaDriver.cuCtxSetCurrent(new CUcontext());
          assertThat(JCudaDriver.cuMemAlloc(new CUdeviceptr(), 4)).isEqualTo(201);
          assertThat(printed(gpu.onlyFault()))
              .isEqualTo("cuMemAlloc: this thread has no current context");
          JCudaDriver.cuCtxSetCurrent(gpu.context());
        });
  }

  @Test
  void ptxThatIsNewerThanTheDevice() {
    try (Gpu gpu = new Gpu(75)) {
      assertThat(gpu.load(Gpu.kernelText(80, ""))).isEqualTo(218);
      assertThat(printed(gpu.onlyFault()))
          .isEqualTo("cuModuleLoadData: PTX line 2: PTX for sm_80 on a device of sm_75");
      assertThat(gpu.load(Gpu.kernelText(75, "").replace("7.8", "9.0"))).isEqualTo(222);
      assertThat(printed(gpu.onlyFault()))
          .isEqualTo("cuModuleLoadData: PTX of version 9.0, newer than the driver's 8.8");
    }
  }

  @Test
  void compiledProgramInsteadOfPtx() {
    try (Gpu gpu = new Gpu(75)) {
      assertThat(gpu.load("\177ELF compiled")).isEqualTo(200);
      assertThat(printed(gpu.onlyFault()))
          .isEqualTo("cuModuleLoadData: a CUBIN was loaded: the emulated GPU runs PTX only");
    }
  }

  @Test
  void tooManyThreads() {
    onGpu(
        gpu -> {
          assertThat(gpu.launch("bounded", 1, 65, 0, gpu.allocate(1000))).isEqualTo(701);
          assertThat(printed(gpu.onlyFault()))
              .isEqualTo(
                  "cuLaunchKernel: kernel bounded: 65 threads in a block, more than the 64 that it was compiled for");
          assertThat(gpu.launch("copy", 1, 1025, 0, 0L, 0L)).isEqualTo(1);
          assertThat(printed(gpu.onlyFault()))
              .isEqualTo(
                  "cuLaunchKernel: kernel copy: 1025 threads in a block, more than the device's 1024");
          assertThat(gpu.launch("copy", 0, 32, 0, 0L, 0L)).isEqualTo(1);
        });
  }

  @Test
  void dynamicSharedMemoryWithoutOptIn() {
    onGpu(
        gpu -> {
          long y = gpu.allocate(128);
          assertThat(gpu.launch("dynamic_memory", 1, 32, 49153, y)).isEqualTo(1);
          assertThat(printed(gpu.onlyFault()))
              .isEqualTo(
                  "cuLaunchKernel: kernel dynamic_memory: 49153 bytes of dynamic shared memory, 49152 are allowed:"
                      + " cuFuncSetAttribute(MAX_DYNAMIC_SHARED_SIZE_BYTES) opts in to more, up to 166912");
          Gpu.check(JCudaDriver.cuFuncSetAttribute(gpu.function("dynamic_memory"), 8, 166912));
          gpu.run("dynamic_memory", 1, 32, 166912, y);
          assertThat(JCudaDriver.cuFuncSetAttribute(gpu.function("dynamic_memory"), 8, 166913))
              .isEqualTo(1);
        });
  }

  @Test
  void unknownOpcode() {
    try (Gpu gpu = new Gpu(90)) {
      assertThat(gpu.load(Gpu.kernelText(90, "frobnicate.f32 %f1, %f2;"))).isEqualTo(218);
      assertThat(printed(gpu.onlyFault()))
          .isEqualTo(
              "cuModuleLoadData: kernel k, PTX line 14: 'frobnicate.f32 %f1, %f2': unknown opcode 'frobnicate.f32'");
      assertThat(gpu.load(Gpu.kernelText(90, "add.rn.relu.f16 %h1, %h1, %h1;"))).isEqualTo(218);
      assertThat(printed(gpu.onlyFault()))
          .contains("modifier '.relu' is not supported by the emulator");
    }
  }

  @Test
  void unknownFunction() {
    onGpu(
        gpu -> {
          assertThat(JCudaDriver.cuCtxSetLimit(0, 1024)).isEqualTo(801);
          assertThat(printed(gpu.onlyFault()))
              .isEqualTo("cuCtxSetLimit: not supported by the emulated driver");
        });
  }

  @Test
  void errorsStay() {
    onGpu(
        gpu -> {
          gpu.fault("past_the_end", 1, 32, 0, gpu.allocate(128), 64);
          assertThat(JCudaDriver.cuMemAlloc(new CUdeviceptr(), 4)).isEqualTo(700);
          assertThat(JCudaDriver.cuCtxSynchronize()).isEqualTo(700);
        });
  }
}
