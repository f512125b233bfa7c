package org.hetermoe.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The memory spaces, atomics and asynchronous copies. */
@RequiresEmulatedCuda
class MemoryTest {

  @Test
  void everySpaceAndWidth() {
    try (Gpu gpu = new Gpu(70)) {
      gpu.source(
          """
          __constant__ int table[8] = {3, 1, 4, 1, 5, 9, 2, 6};
          __device__ int counter[4];
          extern "C" __global__ void spaces(const unsigned char* bytes, int* out, int n) {
            __shared__ unsigned char letters[32];
            __shared__ short words[32];
            extern __shared__ long long wide[];
            int t = threadIdx.x;
            letters[t] = bytes[t];
            words[t] = (short)-bytes[t];
            wide[t] = (long long)bytes[t] << 40;
            __syncthreads();
            int local[16];
            for (int k = 0; k < 16; k++) local[k] = k * t;
            int sum = 0;
            for (int k = 0; k < n; k++) sum += local[(k * 7) & 15];
            int other = 31 - t;
            counter[t & 3] = 5;
            const int4 v = ((const int4*)bytes)[t & 1];
            out[t * 8] = letters[other];
            out[t * 8 + 1] = words[other];
            out[t * 8 + 2] = (int)(wide[other] >> 38);
            out[t * 8 + 3] = table[t & 7];
            out[t * 8 + 4] = sum;
            out[t * 8 + 5] = v.x + v.w;
            out[t * 8 + 6] = counter[t & 3];
            out[t * 8 + 7] = (signed char)bytes[t];
          }
          """);
      byte[] bytes = new byte[32];
      for (int k = 0; k < 32; k++) {
        bytes[k] = (byte) (k * 9);
      }
      long y = gpu.allocate(32 * 32);
      gpu.run(
          "spaces", 1, 32, 256, gpu.upload(java.lang.foreign.MemorySegment.ofArray(bytes)), y, 9);
      int[] got = gpu.ints(y, 256);
      int[] table = {3, 1, 4, 1, 5, 9, 2, 6};
      for (int t = 0; t < 32; t++) {
        int other = (31 - t) * 9 & 255;
        int sum = 0;
        for (int k = 0; k < 9; k++) {
          sum += ((k * 7) & 15) * t;
        }
        int base = (t & 1) * 16;
        int[] expected = {
          other,
          -other,
          other << 2,
          table[t & 7],
          sum,
          word(bytes, base) + word(bytes, base + 12),
          5,
          bytes[t]
        };
        assertThat(java.util.Arrays.copyOfRange(got, t * 8, t * 8 + 8))
            .as("thread %d", t)
            .containsExactly(expected);
      }
    }
  }

  private static int word(byte[] b, int at) {
    return (b[at] & 255) | ((b[at + 1] & 255) << 8) | ((b[at + 2] & 255) << 16) | (b[at + 3] << 24);
  }

  @Test
  void atomicsOfManyBlocks() {
    try (Gpu gpu = new Gpu(70)) {
      gpu.source(
          """
          extern "C" __global__ void atomics(int* out, float* sum, unsigned long long* wide) {
            __shared__ int inBlock;
            if (threadIdx.x == 0) inBlock = 0;
            __syncthreads();
            atomicAdd(&inBlock, 1);
            int i = blockIdx.x * blockDim.x + threadIdx.x;
            atomicAdd(out, 1);
            atomicMax(out + 1, i);
            atomicMin(out + 2, -i);
            atomicOr(out + 3, 1 << (i & 7));
            atomicXor(out + 4, i);
            atomicAdd(sum, 0.5f);
            atomicAdd(wide, 1ull << 33);
            int old = atomicExch(out + 5, i), seen;
            do { seen = out[6]; } while (atomicCAS(out + 6, seen, seen + 2) != seen);
            __syncthreads();
            if (threadIdx.x == 0) atomicAdd(out + 7, inBlock + 0 * old);
          }
          """);
      long out = gpu.upload(new int[8]);
      long sum = gpu.upload(new float[1]);
      long wide = gpu.upload(new int[2]);
      gpu.run("atomics", 5, 64, 0, out, sum, wide);
      int xor = IntStream.range(0, 320).reduce(0, (a, b) -> a ^ b);
      assertThat(gpu.ints(out, 8)).containsExactly(320, 319, -319, 255, xor, 319, 640, 320);
      assertThat(gpu.floats(sum, 1)).containsExactly(160f);
      assertThat(gpu.ints(wide, 2)).containsExactly(0, 640);
    }
  }

  private static final String ASYNC =
      """
      __device__ unsigned shared(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }
      extern "C" __global__ void staged(const float4* x, float4* y, int wait, int valid) {
        __shared__ float4 s[2][32];
        int t = threadIdx.x;
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared(&s[0][t])), "l"(x + t));
        asm volatile("cp.async.commit_group;");
        asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;" ::"r"(shared(&s[1][t])), "l"(x + 32 + t),
                     "r"(t < valid ? 16 : t == valid ? 8 : 0));
        asm volatile("cp.async.commit_group;");
        if (wait == 1) asm volatile("cp.async.wait_group 1;");
        if (wait == 2) asm volatile("cp.async.wait_all;");
        y[t] = s[0][t];
        y[32 + t] = s[1][t];
      }
      extern "C" __global__ void unsynchronised(const float4* x, float4* y) {
        __shared__ float4 s[64];
        int t = threadIdx.x;
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared(&s[t])), "l"(x + t));
        asm volatile("cp.async.commit_group;");
        __syncthreads();
        asm volatile("cp.async.wait_group 0;");
        y[t] = s[63 - t];
      }
      """;

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void asynchronousCopiesArriveWhenTheyAreWaitedFor(int wait) {
    float[] x = new float[256];
    for (int k = 0; k < x.length; k++) {
      x[k] = k + 1;
    }
    try (Gpu gpu = new Gpu(80)) {
      gpu.source(ASYNC);
      long y = gpu.allocate(1024);
      gpu.run("staged", 1, 32, 0, gpu.upload(x), y, wait, 20);
      float[] got = gpu.floats(y, 256);
      float[] expected = new float[256];
      for (int k = 0; k < 256; k++) {
        int lane = k / 4 % 32;
        boolean first = k < 128;
        boolean read = lane < 20 || (lane == 20 && k % 4 < 2);
        boolean there = wait == 2 || (wait == 1 && first);
        expected[k] = !there ? Float.NaN : first || read ? k + 1 : 0;
      }
      assertThat(got).containsExactly(expected);
    }
  }

  @Test
  void waitingBeforeTheBarrierIsNotEnough() {
    try (Gpu gpu = new Gpu(80)) {
      gpu.source(ASYNC);
      assertThat(
              gpu.fault("unsynchronised", 1, 64, 0, gpu.upload(new float[256]), gpu.allocate(1024)))
          .contains("kernel unsynchronised", "race in shared memory");
    }
  }

  @Test
  void resultsDoNotDependOnTheNumberOfThreads() {
    String source =
        """
        extern "C" __global__ void sum(float* total, float* each) {
          float v = 1.0f / (blockIdx.x * blockDim.x + threadIdx.x + 1);
          each[blockIdx.x * blockDim.x + threadIdx.x] = v;
          atomicAdd(total, v);
        }
        """;
    try (Gpu gpu = new Gpu(90)) {
      gpu.source(source);
      float first = 0;
      for (int run = 0; run < 5; run++) {
        long total = gpu.upload(new float[1]);
        gpu.run("sum", 40, 128, 0, total, gpu.allocate(40 * 128 * 4));
        float now = gpu.floats(total, 1)[0];
        first = run == 0 ? now : first;
        assertThat(now).isEqualTo(first);
      }
    }
  }
}
