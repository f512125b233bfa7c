package org.hetermoe.emulator;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The emulated cuBLAS, by the functions that the product calls. */
@RequiresEmulatedCuda
class BlasTest {

  private static final int SINGLE = 0;
  private static final int HALF = 2;
  private static final int BFLOAT = 14;
  private static final int COMPUTE_SINGLE = 68;

  @SuppressWarnings("restricted") // tests are started with --enable-native-access
  private static int call(String name, Object... arguments) {
    SymbolLookup library =
        SymbolLookup.libraryLookup(
            Gpu.emulator().libraries().resolve("libcublas.so.12"), Arena.global());
    MemoryLayout[] layouts = new MemoryLayout[arguments.length];
    for (int k = 0; k < layouts.length; k++) {
      layouts[k] =
          arguments[k] instanceof Integer
              ? JAVA_INT
              : arguments[k] instanceof Long ? JAVA_LONG : ADDRESS;
    }
    try {
      return (int)
          Linker.nativeLinker()
              .downcallHandle(library.findOrThrow(name), FunctionDescriptor.of(JAVA_INT, layouts))
              .invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new IllegalStateException(name, e);
    }
  }

  private static float[] decoded(MemorySegment s, int type, int count) {
    float[] v = new float[count];
    for (int k = 0; k < count; k++) {
      v[k] =
          switch (type) {
            case SINGLE -> s.getAtIndex(JAVA_FLOAT, k);
            case HALF ->
                Float.float16ToFloat(s.getAtIndex(java.lang.foreign.ValueLayout.JAVA_SHORT, k));
            default ->
                Float.intBitsToFloat(
                    s.getAtIndex(java.lang.foreign.ValueLayout.JAVA_SHORT, k) << 16);
          };
    }
    return v;
  }

  private static MemorySegment encoded(float[] v, int type) {
    if (type == SINGLE) {
      return MemorySegment.ofArray(v);
    }
    short[] halves = new short[v.length];
    for (int k = 0; k < v.length; k++) {
      halves[k] =
          type == HALF
              ? Float.floatToFloat16(v[k])
              : (short) (Float.floatToRawIntBits(v[k]) >>> 16);
    }
    return MemorySegment.ofArray(halves);
  }

  /** Small integers, which every type holds. */
  private static float[] numbers(int count, long seed) {
    Random random = new Random(seed);
    float[] v = new float[count];
    for (int k = 0; k < count; k++) {
      v[k] = random.nextInt(-4, 5);
    }
    return v;
  }

  @ParameterizedTest
  @CsvSource({
    "70,0,0,0,0",
    "70,2,0,1,0",
    "75,2,2,0,1",
    "80,14,14,1,1",
    "90,14,0,0,1",
    "90,0,0,1,0"
  })
  void productsAreByColumns(
      int capability, int type, int resultType, int transposedA, int transposedB) {
    int m = 7;
    int n = 5;
    int k = 6;
    int lda = 9;
    int ldb = 8;
    int ldc = 10;
    float[] a = numbers(lda * 9, 1);
    float[] b = numbers(ldb * 8, 2);
    float[] c = numbers(ldc * n, 3);
    try (Gpu gpu = new Gpu(capability);
        Arena arena = Arena.ofConfined()) {
      MemorySegment handle = arena.allocate(ADDRESS);
      assertThat(call("cublasCreate_v2", handle)).isZero();
      MemorySegment h = handle.get(ADDRESS, 0);
      assertThat(call("cublasSetStream_v2", h, MemorySegment.ofAddress(gpu.stream.address())))
          .isZero();
      long da = gpu.upload(encoded(a, type));
      long db = gpu.upload(encoded(b, type));
      long dc = gpu.upload(encoded(c, resultType));
      MemorySegment alpha = arena.allocateFrom(JAVA_FLOAT, 2f);
      MemorySegment beta = arena.allocateFrom(JAVA_FLOAT, 1f);
      assertThat(
              call(
                  "cublasGemmEx",
                  h,
                  transposedA,
                  transposedB,
                  m,
                  n,
                  k,
                  alpha,
                  da,
                  type,
                  lda,
                  db,
                  type,
                  ldb,
                  beta,
                  dc,
                  resultType,
                  ldc,
                  COMPUTE_SINGLE,
                  -1))
          .isZero();
      Gpu.check(gpu.synchronize());
      float[] got =
          decoded(
              gpu.download(dc, (resultType == SINGLE ? 4L : 2L) * c.length), resultType, c.length);
      for (int j = 0; j < n; j++) {
        for (int i = 0; i < ldc; i++) {
          float sum = c[j * ldc + i];
          for (int p = 0; p < k && i < m; p++) {
            float x = transposedA == 1 ? a[i * lda + p] : a[p * lda + i];
            sum += 2 * x * (transposedB == 1 ? b[p * ldb + j] : b[j * ldb + p]);
          }
          assertThat(got[j * ldc + i]).isEqualTo(sum);
        }
      }
      assertThat(Gpu.emulator().faults()).isEmpty();
      assertThat(call("cublasDestroy_v2", h)).isZero();
    }
  }

  @Test
  void whatIsWrongIsRefusedOrReported() {
    try (Gpu gpu = new Gpu(75);
        Arena arena = Arena.ofConfined()) {
      MemorySegment handle = arena.allocate(ADDRESS);
      assertThat(call("cublasCreate_v2", handle)).isZero();
      MemorySegment h = handle.get(ADDRESS, 0);
      MemorySegment one = arena.allocateFrom(JAVA_FLOAT, 1f);
      long x = gpu.allocate(4 * 16);
      assertThat(
              call(
                  "cublasGemmEx",
                  h,
                  0,
                  0,
                  4,
                  4,
                  4,
                  one,
                  x,
                  SINGLE,
                  3,
                  x,
                  SINGLE,
                  4,
                  one,
                  x,
                  SINGLE,
                  4,
                  COMPUTE_SINGLE,
                  -1))
          .isEqualTo(7);
      assertThat(gpu.onlyFault()).isEqualTo("cuBLAS: leading dimension 3 below the 4 rows");
      assertThat(
              call(
                  "cublasGemmEx",
                  h,
                  0,
                  0,
                  4,
                  4,
                  4,
                  one,
                  x,
                  BFLOAT,
                  4,
                  x,
                  BFLOAT,
                  4,
                  one,
                  x,
                  SINGLE,
                  4,
                  COMPUTE_SINGLE,
                  -1))
          .isEqualTo(8);
      assertThat(gpu.onlyFault()).isEqualTo("cuBLAS: bf16 needs sm_80 or higher");
      assertThat(
              call(
                  "cublasGemmEx",
                  h,
                  0,
                  0,
                  4,
                  4,
                  4,
                  one,
                  x,
                  SINGLE,
                  4,
                  x,
                  HALF,
                  4,
                  one,
                  x,
                  SINGLE,
                  4,
                  COMPUTE_SINGLE,
                  -1))
          .isEqualTo(15);
      gpu.onlyFault();
      assertThat(
              call(
                  "cublasGemmEx",
                  h,
                  0,
                  0,
                  4,
                  5,
                  4,
                  one,
                  x,
                  SINGLE,
                  4,
                  x,
                  SINGLE,
                  4,
                  one,
                  x,
                  SINGLE,
                  4,
                  COMPUTE_SINGLE,
                  -1))
          .isZero();
      assertThat(jcuda.driver.JCudaDriver.cuCtxSynchronize()).isEqualTo(700);
      assertThat(gpu.onlyFault())
          .isEqualTo(
              "cuBLAS product: operand B, 80 bytes: it runs past the end of an allocation of 64 bytes");
    }
  }
}
