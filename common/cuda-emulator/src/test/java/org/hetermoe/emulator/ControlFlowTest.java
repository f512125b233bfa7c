package org.hetermoe.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lanes that part ways and meet again, functions, and what warps and blocks do together. */
@RequiresEmulatedCuda
class ControlFlowTest {

  @Test
  void lanesThatLoopDifferently() {
    try (Gpu gpu = new Gpu(75)) {
      gpu.source(
          """
          extern "C" __global__ void collatz(int* out, int n) {
            int i = blockIdx.x * blockDim.x + threadIdx.x;
            if (i >= n) return;
            int steps = 0;
            for (long long v = i + 1; v != 1; steps++) {
              if (v & 1) v = 3 * v + 1; else v /= 2;
              if (steps > 60 && (i & 3) == 1) break;
            }
            out[i] = steps;
          }
          """);
      long y = gpu.allocate(4 * 200);
      gpu.run("collatz", 2, 128, 0, y, 200);
      int[] got = gpu.ints(y, 200);
      for (int i = 0; i < 200; i++) {
        int steps = 0;
        for (long v = i + 1L; v != 1; steps++) {
          v = (v & 1) == 1 ? 3 * v + 1 : v / 2;
          if (steps > 60 && (i & 3) == 1) {
            break;
          }
        }
        assertThat(got[i]).isEqualTo(steps);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {70, 90})
  void functionsThatAreNotInlinedAndSwitches(int capability) {
    try (Gpu gpu = new Gpu(capability)) {
      gpu.source(
          """
          struct Pair { int a; float b; };
          __device__ __noinline__ Pair twice(Pair p, int n) { Pair q; q.a = p.a * n; q.b = p.b * n; return q; }
          __device__ __noinline__ int inner(int x) { return x > 10 ? x - 10 : x; }
          __device__ __noinline__ int outer(int x) { return inner(x) + inner(x + 5) * 100; }
          extern "C" __global__ void calls(int* out, int n) {
            int t = threadIdx.x;
            int v = 0;
            switch (t % 9) {
              case 0: v = outer(t); break;
              case 1: v = t * t; break;
              case 2: v = outer(t + 1); break;
              case 3: v = 7; break;
              case 4: v = t << 3; break;
              case 5: v = inner(t); break;
              case 6: v = -t; break;
              case 7: v = ~t; break;
              default: v = 99;
            }
            Pair p = twice(Pair{v, 0.5f * t}, n);
            __syncwarp();
            out[t] = p.a + (int)p.b + __shfl_xor_sync(0xffffffffu, t, 1);
          }
          """);
      long y = gpu.allocate(128);
      gpu.run("calls", 1, 32, 0, y, 3);
      int[] got = gpu.ints(y, 32);
      for (int t = 0; t < 32; t++) {
        int v =
            switch (t % 9) {
              case 0 -> outer(t);
              case 1 -> t * t;
              case 2 -> outer(t + 1);
              case 3 -> 7;
              case 4 -> t << 3;
              case 5 -> inner(t);
              case 6 -> -t;
              case 7 -> ~t;
              default -> 99;
            };
        assertThat(got[t]).as("thread %d", t).isEqualTo(v * 3 + (int) (0.5f * t * 3) + (t ^ 1));
      }
    }
  }

  private static int inner(int x) {
    return x > 10 ? x - 10 : x;
  }

  private static int outer(int x) {
    return inner(x) + inner(x + 5) * 100;
  }

  @Test
  void branchesByTable() {
    try (Gpu gpu = new Gpu(70)) {
      gpu.kernel(
          """
            and.b32 %r1, %r0, 3;
            brx.idx %r1, table;
            table: .branchtargets zero, one, two, three;
            zero: mov.u32 %r2, 10; bra done;
            one: mov.u32 %r2, 11; bra done;
            two: mov.u32 %r2, 12; bra done;
            three: mov.u32 %r2, 13;
            done: st.global.u32 [%rd3], %r2;
          """);
      long y = gpu.allocate(128);
      gpu.run("k", 1, 32, 0, y, 0L);
      assertThat(gpu.ints(y, 8)).containsExactly(10, 11, 12, 13, 10, 11, 12, 13);
    }
  }

  @Test
  void whatAWarpDoesTogether() {
    try (Gpu gpu = new Gpu(80)) {
      gpu.source(
          """
          extern "C" __global__ void warp(int* out) {
            int t = threadIdx.x;
            int* o = out + t * 10;
            o[0] = __shfl_sync(0xffffffffu, t * 3, 5);
            o[1] = __shfl_up_sync(0xffffffffu, t * 3, 2);
            o[2] = __shfl_down_sync(0xffffffffu, t * 3, 3, 8);
            o[3] = __shfl_xor_sync(0xffffffffu, t * 3, 16);
            o[4] = __ballot_sync(0xffffffffu, t % 3 == 0);
            o[5] = __all_sync(0xffffffffu, t < 32) + 2 * __any_sync(0xffffffffu, t > 40);
            o[6] = __match_any_sync(0xffffffffu, t / 5);
            o[7] = __reduce_add_sync(0xffffffffu, t) + 1000 * __reduce_max_sync(0xffffffffu, (unsigned)t);
            o[8] = 0;
            if (t < 16) o[8] = __shfl_sync(0xffffu, t, (t + 1) & 15);
            o[9] = __popc(__activemask());
          }
          """);
      long y = gpu.allocate(32 * 40);
      gpu.run("warp", 1, 32, 0, y);
      int[] got = gpu.ints(y, 320);
      for (int t = 0; t < 32; t++) {
        int same = 0;
        for (int k = 0; k < 32; k++) {
          same |= k / 5 == t / 5 ? 1 << k : 0;
        }
        int[] expected = {
          15,
          3 * (t < 2 ? t : t - 2),
          3 * (t % 8 < 5 ? t + 3 : t),
          3 * (t ^ 16),
          0b01001001001001001001001001001001,
          1,
          same,
          496 + 31000,
          t < 16 ? (t + 1) & 15 : 0,
          32
        };
        assertThat(java.util.Arrays.copyOfRange(got, t * 10, t * 10 + 10))
            .as("thread %d", t)
            .containsExactly(expected);
      }
    }
  }

  @Test
  void barriersThatCount() {
    try (Gpu gpu = new Gpu(70)) {
      gpu.source(
          """
          extern "C" __global__ void count(int* out) {
            int t = threadIdx.x;
            int n = __syncthreads_count(t % 5 == 0);
            int all = __syncthreads_and(t < 100), any = __syncthreads_or(t == 99);
            if (t >= 64) return;
            __syncthreads();
            out[t] = n + 100 * all + 1000 * any;
          }
          """);
      long y = gpu.allocate(256);
      gpu.run("count", 1, 100, 0, y);
      assertThat(gpu.ints(y, 64)).containsOnly(20 + 100 + 1000);
    }
  }

  @Test
  void blocksOfThreeExtents() {
    try (Gpu gpu = new Gpu(70)) {
      gpu.source(
          """
          extern "C" __global__ void extents(int* out, int n) {
            int i = blockIdx.x * blockDim.x + threadIdx.x;
            if (i < n) out[i] = gridDim.x * 1000 + blockDim.x * 10 + threadIdx.x % 10;
          }
          """);
      long y = gpu.allocate(4 * 33);
      gpu.run("extents", 3, 11, 0, y, 33);
      int[] got = gpu.ints(y, 33);
      for (int i = 0; i < 33; i++) {
        assertThat(got[i]).isEqualTo(3110 + i % 11 % 10);
      }
    }
  }

  @Test
  void recursionAndFunctionsWithoutABodyAreRefused() {
    try (Gpu gpu = new Gpu(70)) {
      String text =
          Nvrtc.ptx(
              """
          extern "C" __device__ int printf(const char*, ...);
          extern "C" __global__ void says(int n) { printf("%d", n); }
          """,
              "compute_70");
      assertThat(gpu.load(text)).isEqualTo(218);
      assertThat(gpu.onlyFault())
          .contains("kernel says", "call of something without a body, vprintf");
    }
  }
}
