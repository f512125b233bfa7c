package org.hetermoe.compute.cpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.hetermoe.compute.host.Conversion;
import org.hetermoe.compute.host.HostMemory;
import org.hetermoe.compute.host.HostTensor;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The matmul primitive against a plain loop: the same calls in single precision on every machine,
 * and in bf16 where the processor multiplies it.
 */
class OneDnnMatmulTest {
  private static final int[][] SIZES = {
    {1, 1, 1}, {1, 70, 3}, {32, 1, 29}, {5, 7, 37}, {64, 31, 256}, {96, 256, 33}, {256, 256, 300}
  };

  static Stream<Arguments> cases() {
    return Stream.of(DType.F32, DType.BF16)
        .flatMap(
            type ->
                Stream.of(SIZES)
                    .flatMap(
                        size ->
                            IntStream.range(0, 8)
                                .mapToObj(
                                    bits ->
                                        Arguments.of(
                                            type,
                                            (bits & 1) != 0,
                                            (bits & 2) != 0,
                                            size[0],
                                            size[1],
                                            size[2],
                                            (bits & 4) != 0 ? 5 : 0))));
  }

  @ParameterizedTest(name = "{0} transpose {1} {2} m={3} n={4} k={5} gap={6}")
  @MethodSource("cases")
  void agreesWithAPlainLoop(
      DType type, boolean transposeA, boolean transposeB, int m, int n, int k, int gap) {
    assumeThere(type);
    try (Operands operands = new Operands(type, transposeA, transposeB, m, n, k, gap);
        OneDnnMatmul matmul = new OneDnnMatmul(type)) {
      // Twice: once with a primitive that is made, once with one that is there.
      for (int time = 0; time < 2; time++) {
        operands.multiply(matmul);
        operands.check();
      }
    }
  }

  /** Primitives are shared by the threads of a device. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16"})
  void manyThreadsMayMultiplyAtOnce(DType type) throws InterruptedException {
    assumeThere(type);
    List<Throwable> failures = new ArrayList<>();
    try (OneDnnMatmul matmul = new OneDnnMatmul(type)) {
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        threads.add(
            Thread.ofPlatform()
                .start(
                    () -> {
                      try {
                        for (int[] size : SIZES) {
                          try (Operands mine =
                              new Operands(type, false, true, size[0], size[1], size[2], 0)) {
                            for (int time = 0; time < 20; time++) {
                              mine.multiply(matmul);
                              mine.check();
                            }
                          }
                        }
                      } catch (Throwable e) { // any failure is this test's
                        synchronized (failures) {
                          failures.add(e);
                        }
                      }
                    }));
      }
      for (Thread thread : threads) {
        thread.join();
      }
    }
    assertThat(failures).isEmpty();
  }

  /** oneDNN's own names and sizes of the numbers that it is given for types. */
  @Test
  @SuppressWarnings("restricted")
  void typesHaveOneDnnsNumbers() throws Throwable {
    var name = OneDnn.function("dnnl_dt2str", FunctionDescriptor.of(ADDRESS, JAVA_INT));
    var size = OneDnn.function("dnnl_data_type_size", FunctionDescriptor.of(JAVA_LONG, JAVA_INT));
    for (var type : List.of(DType.F32, DType.BF16, DType.F16)) {
      MemorySegment text = (MemorySegment) name.invokeExact(OneDnnMatmul.number(type));
      assertThat(text.reinterpret(16).getString(0)).isEqualTo(type.name().toLowerCase(Locale.ROOT));
      long bytes = (long) size.invokeExact(OneDnnMatmul.number(type));
      assertThat(bytes).isEqualTo(type.bytes());
    }
  }

  /** 3 is dnnl_unimplemented; were the calls themselves wrong, it would be another. */
  @Test
  void withoutTheInstructionsOneDnnSaysThatItHasNoSuchProduct() {
    assumeFalse(
        ShortTypes.flags().contains("avx512f") || ShortTypes.flags().contains("avx_ne_convert"),
        "oneDNN multiplies bf16 here, natively or not");
    try (Operands operands = new Operands(DType.BF16, false, true, 32, 8, 8, 0);
        OneDnnMatmul matmul = new OneDnnMatmul(DType.BF16)) {
      assertThatThrownBy(() -> operands.multiply(matmul))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("dnnl_matmul_primitive_desc_create")
          .hasMessageEndingWith("status 3");
    }
  }

  private static void assumeThere(DType type) {
    assumeTrue(
        type == DType.F32 || OneDnn.multipliesBf16(),
        "this processor has neither AVX512-BF16 nor AMX, or oneDNN may not use them");
  }

  /** Two matrices and their product, of random numbers that the type has. */
  private static final class Operands implements AutoCloseable {
    private final HostMemory memory = new HostMemory();
    private final Scratch scratch = new Scratch(memory);
    private final boolean transposeA;
    private final boolean transposeB;
    private final int m;
    private final int n;
    private final int k;
    private final int lda;
    private final int ldb;
    private final HostTensor a;
    private final HostTensor b;
    private final HostTensor c;

    Operands(DType type, boolean transposeA, boolean transposeB, int m, int n, int k, int gap) {
      this.transposeA = transposeA;
      this.transposeB = transposeB;
      this.m = m;
      this.n = n;
      this.k = k;
      this.lda = (transposeA ? m : k) + gap;
      this.ldb = (transposeB ? k : n) + gap;
      Random random = new Random(m * 31L + n * 7L + k);
      this.a = filled(type, (transposeA ? k : m) * lda, random);
      this.b = filled(type, (transposeB ? n : k) * ldb, random);
      this.c = memory.allocate(DType.F32, Shape.of(m, n));
    }

    private HostTensor filled(DType type, int count, Random random) {
      HostTensor tensor = memory.allocate(type, Shape.of(count));
      for (int i = 0; i < count; i++) {
        Conversion.set(tensor.segment(), type, i, (float) random.nextGaussian());
      }
      return tensor;
    }

    void multiply(OneDnnMatmul matmul) {
      Conversion.fill(c, Float.NaN);
      matmul.multiply(
          transposeA,
          transposeB,
          m,
          n,
          k,
          a.address(),
          lda,
          b.address(),
          ldb,
          c.address(),
          scratch);
    }

    void check() {
      double tolerance = 2e-6 * (8 + Math.sqrt(k));
      for (int row = 0; row < m; row++) {
        for (int column = 0; column < n; column++) {
          double sum = 0;
          double size = 1;
          for (int i = 0; i < k; i++) {
            double left = get(a, transposeA ? i * lda + row : row * lda + i);
            double right = get(b, transposeB ? column * ldb + i : i * ldb + column);
            sum += left * right;
            size = Math.max(size, Math.abs(sum));
          }
          double actual = get(c, row * n + column);
          if (!(Math.abs(actual - sum) <= tolerance * size)) {
            assertThat(actual).as("[%d,%d]", row, column).isEqualTo(sum);
          }
        }
      }
    }

    private static double get(HostTensor x, int i) {
      return Conversion.get(x.segment(), x.dtype(), i);
    }

    @Override
    public void close() {
      memory.close();
    }
  }
}
