package org.hetermoe.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Matrix instructions, with fragments laid out here by the formulas of the PTX ISA. */
@RequiresEmulatedCuda
class TensorCoreTest {

  /** Registers %rFIRST to %rFIRST+count-1 in braces. */
  private static String registers(int first, int count) {
    return IntStream.range(first, first + count)
        .mapToObj(k -> "%r" + k)
        .collect(Collectors.joining(",", "{", "}"));
  }

  /** Loads or stores registers from on, one per 128 bytes of an address. */
  private static String move(String op, int first, int count, int offset) {
    return IntStream.range(0, count)
        .mapToObj(
            k ->
                op.equals("ld")
                    ? "ld.global.b32 %%r%d, [%%rd4+%d];".formatted(first + k, (offset + k) * 128)
                    : "st.global.b32 [%%rd3+%d], %%r%d;".formatted((offset + k) * 128, first + k))
        .collect(Collectors.joining("\n"));
  }

  private static short encode(float x, String type) {
    return type.equals("bf16")
        ? (short) (Float.floatToRawIntBits(x) >>> 16)
        : Float.floatToFloat16(x);
  }

  /** Small integers: exact in every type, so that sums are exact in any order. */
  private static float[][] matrix(int rows, int columns, long seed) {
    Random random = new Random(seed);
    float[][] m = new float[rows][columns];
    for (float[] row : m) {
      for (int k = 0; k < columns; k++) {
        row[k] = random.nextInt(-8, 9);
      }
    }
    return m;
  }

  private static float product(float[][] a, float[][] b, float[][] c, int row, int column) {
    float sum = c[row][column];
    for (int k = 0; k < b.length; k++) {
      sum += a[row][k] * b[k][column];
    }
    return sum;
  }

  @ParameterizedTest
  @CsvSource({
    "75,8,f16",
    "80,8,f16",
    "80,8,bf16",
    "80,16,f16",
    "90,16,bf16",
    "80,8,tf32",
    "80,4,tf32"
  })
  void mma16x8(int capability, int depth, String type) {
    float[][] a = matrix(16, depth, 1);
    float[][] b = matrix(depth, 8, 2);
    float[][] c = matrix(16, 8, 3);
    boolean single = type.equals("tf32");
    int registersOfA = single ? depth / 2 : depth / 4;
    int registersOfB = registersOfA / 2;
    int[] in = new int[(registersOfA + registersOfB + 4) * 32];
    for (int l = 0; l < 32; l++) {
      int group = l >> 2;
      int own = l % 4;
      for (int r = 0; r < registersOfA; r++) {
        int row = group + 8 * (r % 2);
        in[r * 32 + l] =
            single
                ? Float.floatToRawIntBits(a[row][own + 4 * (r / 2)])
                : pair(a[row][own * 2 + 8 * (r / 2)], a[row][own * 2 + 1 + 8 * (r / 2)], type);
      }
      for (int r = 0; r < registersOfB; r++) {
        in[(registersOfA + r) * 32 + l] =
            single
                ? Float.floatToRawIntBits(b[own + 4 * r][group])
                : pair(b[own * 2 + 8 * r][group], b[own * 2 + 1 + 8 * r][group], type);
      }
      for (int r = 0; r < 4; r++) {
        in[(registersOfA + registersOfB + r) * 32 + l] =
            Float.floatToRawIntBits(c[group + 8 * (r / 2)][own * 2 + r % 2]);
      }
    }
    String body =
        move("ld", 10, registersOfA, 0)
            + move("ld", 20, registersOfB, registersOfA)
            + move("ld", 30, 4, registersOfA + registersOfB)
            + "mma.sync.aligned.m16n8k%d.row.col.f32.%s.%s.f32 %s, %s, %s, %s;"
                .formatted(
                    depth,
                    type,
                    type,
                    registers(40, 4),
                    registers(10, registersOfA),
                    registers(20, registersOfB),
                    registers(30, 4))
            + move("st", 40, 4, 0);
    try (Gpu gpu = new Gpu(capability)) {
      gpu.kernel(body);
      long y = gpu.allocate(512);
      gpu.run("k", 1, 32, 0, y, gpu.upload(in));
      float[] got = gpu.floats(y, 128);
      for (int l = 0; l < 32; l++) {
        for (int r = 0; r < 4; r++) {
          assertThat(got[r * 32 + l])
              .isEqualTo(product(a, b, c, (l >> 2) + 8 * (r / 2), l % 4 * 2 + r % 2));
        }
      }
    }
  }

  private static int pair(float low, float high, String type) {
    return (encode(low, type) & 0xffff) | (encode(high, type) << 16);
  }

  @ParameterizedTest
  @CsvSource({"row,col,70", "row,row,70", "col,row,75", "col,col,90"})
  void mma8x8x4IsVoltas(String layoutOfA, String layoutOfB, int capability) {
    int[] in = new int[(2 + 2 + 8) * 32];
    float[][][] a = new float[4][][];
    float[][][] b = new float[4][][];
    float[][][] c = new float[4][][];
    for (int p = 0; p < 4; p++) {
      a[p] = matrix(8, 4, 10 + p);
      b[p] = matrix(4, 8, 20 + p);
      c[p] = matrix(8, 8, 30 + p);
    }
    for (int l = 0; l < 32; l++) {
      int p = l % 16 / 4;
      for (int e = 0; e < 4; e++) {
        boolean lower = l < 16;
        float x =
            layoutOfA.equals("row")
                ? a[p][l % 4 + (lower ? 0 : 4)][e]
                : a[p][e + (lower ? 0 : 4)][l % 4];
        float y =
            layoutOfB.equals("row")
                ? b[p][l % 4][e + (lower ? 0 : 4)]
                : b[p][e][l % 4 + (lower ? 0 : 4)];
        in[e / 2 * 32 + l] |= (encode(x, "f16") & 0xffff) << (16 * (e % 2));
        in[(2 + e / 2) * 32 + l] |= (encode(y, "f16") & 0xffff) << (16 * (e % 2));
      }
      for (int e = 0; e < 8; e++) {
        in[(4 + e) * 32 + l] = Float.floatToRawIntBits(c[p][voltaRow(l, e)][voltaColumn(l, e)]);
      }
    }
    String body =
        move("ld", 10, 2, 0)
            + move("ld", 20, 2, 2)
            + move("ld", 30, 8, 4)
            + "mma.sync.aligned.m8n8k4.%s.%s.f32.f16.f16.f32 %s, %s, %s, %s;"
                .formatted(
                    layoutOfA,
                    layoutOfB,
                    registers(40, 8),
                    registers(10, 2),
                    registers(20, 2),
                    registers(30, 8))
            + move("st", 40, 8, 0);
    try (Gpu gpu = new Gpu(capability)) {
      gpu.kernel(body);
      long y = gpu.allocate(1024);
      gpu.run("k", 1, 32, 0, y, gpu.upload(in));
      float[] got = gpu.floats(y, 256);
      for (int l = 0; l < 32; l++) {
        int p = l % 16 / 4;
        for (int e = 0; e < 8; e++) {
          assertThat(got[e * 32 + l])
              .isEqualTo(product(a[p], b[p], c[p], voltaRow(l, e), voltaColumn(l, e)));
        }
      }
    }
  }

  private static int voltaRow(int l, int e) {
    return (l & 1) + (e & 2) + (l < 16 ? 0 : 4);
  }

  private static int voltaColumn(int l, int e) {
    return (e & 4) + (l & 2) + (e & 1);
  }

  @ParameterizedTest
  @CsvSource({"1,''", "2,''", "4,''", "4,.trans", "2,.trans"})
  void ldmatrix(int matrices, String transposed) {
    short[] halves = new short[32 * 8];
    for (int k = 0; k < halves.length; k++) {
      halves[k] = (short) (1000 + k);
    }
    // a row of eight halves per lane, loaded to shared memory, then back as matrices
    String body =
        """
          .shared .align 16 .b8 tile[512];
          mul.wide.u32 %rd5, %r0, 16; add.u64 %rd6, %rd1, %rd5;
          ld.global.v4.b32 {%r10,%r11,%r12,%r13}, [%rd6];
          mov.u32 %r5, tile; mad.lo.u32 %r5, %r0, 16, %r5;
          st.shared.v4.b32 [%r5], {%r10,%r11,%r12,%r13};
          bar.sync 0;
        """
            + "ldmatrix.sync.aligned.m8n8.x%d%s.shared.b16 %s, [%%r5];"
                .formatted(matrices, transposed, registers(20, matrices))
            + move("st", 20, matrices, 0);
    try (Gpu gpu = new Gpu(75)) {
      gpu.kernel(body);
      long y = gpu.allocate(512);
      gpu.run("k", 1, 32, 0, y, gpu.upload(halves));
      int[] got = gpu.ints(y, 32 * matrices);
      for (int q = 0; q < matrices; q++) {
        for (int l = 0; l < 32; l++) {
          int group = l >> 2;
          int k = 2 * (l & 3);
          boolean plain = transposed.isEmpty();
          int low = plain ? group * 8 + k : k * 8 + group;
          int high = plain ? group * 8 + k + 1 : (k + 1) * 8 + group;
          assertThat(got[q * 32 + l])
              .isEqualTo((1000 + q * 64 + low) | ((1000 + q * 64 + high) << 16));
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"70,f16,row,col", "70,f16,col,row", "80,bf16,row,col", "75,f16,row,row"})
  void wmma(int capability, String type, String layoutOfA, String layoutOfB) {
    float[][] a = matrix(16, 16, 1);
    float[][] b = matrix(16, 16, 2);
    float[][] c = matrix(16, 16, 3);
    short[] halves = new short[2 * 16 * 24];
    for (int i = 0; i < 16; i++) {
      for (int j = 0; j < 16; j++) {
        halves[i * 24 + j] = encode(layoutOfA.equals("row") ? a[i][j] : a[j][i], type);
        halves[16 * 24 + i * 24 + j] = encode(layoutOfB.equals("row") ? b[i][j] : b[j][i], type);
      }
    }
    float[] sums = new float[256];
    for (int k = 0; k < 256; k++) {
      sums[k] = c[k / 16][k % 16];
    }
    int n = type.equals("f16") ? 8 : 4;
    String kind = type.equals("f16") ? "f32.f32" : "f32.bf16.bf16.f32";
    String body =
        "wmma.load.a.sync.aligned.%s.m16n16k16.global.%s %s, [%%rd1], 24;%n"
                .formatted(layoutOfA, type, registers(10, n))
            + "wmma.load.b.sync.aligned.%s.m16n16k16.global.%s %s, [%%rd1+768], 24;%n"
                .formatted(layoutOfB, type, registers(20, n))
            + "wmma.load.c.sync.aligned.row.m16n16k16.global.f32 %s, [%%rd0], 16;%n"
                .formatted(registers(30, 8))
            + "wmma.mma.sync.aligned.%s.%s.m16n16k16.%s %s, %s, %s, %s;%n"
                .formatted(
                    layoutOfA,
                    layoutOfB,
                    kind,
                    registers(40, 8),
                    registers(10, n),
                    registers(20, n),
                    registers(30, 8))
            + "wmma.store.d.sync.aligned.row.m16n16k16.global.f32 [%%rd0], %s, 16;%n"
                .formatted(registers(40, 8));
    try (Gpu gpu = new Gpu(capability)) {
      gpu.kernel(body);
      long y = gpu.upload(sums);
      gpu.run("k", 1, 32, 0, y, gpu.upload(halves));
      float[] got = gpu.floats(y, 256);
      for (int k = 0; k < 256; k++) {
        assertThat(got[k]).isEqualTo(product(a, b, c, k / 16, k % 16));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "70|ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r1}, [%r0];|sm_75",
        "70|mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f1,%f2,%f3,%f4},"
            + "{%r1,%r2},{%r3},{%f1,%f2,%f3,%f4};|sm_75",
        "75|mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f1,%f2,%f3,%f4},"
            + "{%r1,%r2,%r3,%r4},{%r5,%r6},{%f1,%f2,%f3,%f4};|sm_80",
        "75|cp.async.cg.shared.global [%r1], [%rd1], 16;|sm_80",
        "75|cvt.rn.bf16.f32 %h1, %f1;|sm_80",
        "75|fma.rn.bf16 %h1, %h1, %h1, %h1;|sm_80",
        "80|add.bf16 %h1, %h1, %h1;|sm_90",
        "75|redux.sync.add.s32 %r1, %r2, 0xffffffff;|sm_80"
      })
  void whatAGenerationLacksIsRefusedByName(String example) {
    String[] parts = example.split("\\|", -1);
    int capability = Integer.parseInt(parts[0]);
    try (Gpu gpu = new Gpu(capability)) {
      assertThat(gpu.load(Gpu.kernelText(capability, parts[1]))).isEqualTo(218);
      String instruction = parts[1].substring(0, parts[1].length() - 1);
      assertThat(gpu.onlyFault())
          .contains(instruction)
          .contains(parts[2])
          .contains("the target is sm_" + capability);
    }
  }

  @Test
  void sumsInHalfPrecision() {
    float[][] a = matrix(16, 8, 1);
    float[][] b = matrix(8, 8, 2);
    float[][] c = matrix(16, 8, 3);
    int[] in = new int[5 * 32];
    for (int l = 0; l < 32; l++) {
      int group = l >> 2;
      int own = 2 * (l % 4);
      for (int r = 0; r < 2; r++) {
        in[r * 32 + l] = pair(a[group + 8 * r][own], a[group + 8 * r][own + 1], "f16");
        in[(3 + r) * 32 + l] = pair(c[group + 8 * r][own], c[group + 8 * r][own + 1], "f16");
      }
      in[64 + l] = pair(b[own][group], b[own + 1][group], "f16");
    }
    try (Gpu gpu = new Gpu(75)) {
      gpu.kernel(
          move("ld", 10, 5, 0)
              + "mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16 {%r20,%r21}, {%r10,%r11}, {%r12}, {%r13,%r14};"
              + move("st", 20, 2, 0));
      long y = gpu.allocate(256);
      gpu.run("k", 1, 32, 0, y, gpu.upload(in));
      int[] got = gpu.ints(y, 64);
      for (int k = 0; k < 64; k++) {
        int row = (k % 32 >> 2) + 8 * (k / 32);
        int column = 2 * (k % 4);
        assertThat(got[k])
            .isEqualTo(
                pair(product(a, b, c, row, column), product(a, b, c, row, column + 1), "f16"));
      }
    }
  }

  @Test
  void voltasSumsInHalfPrecision() {
    float[][] a = matrix(8, 4, 1);
    float[][] b = matrix(4, 8, 2);
    float[][] c = matrix(8, 8, 3);
    int[] in = new int[8 * 32];
    for (int l = 0; l < 32; l++) {
      int row = l % 4 + (l < 16 ? 0 : 4);
      for (int r = 0; r < 2; r++) {
        in[r * 32 + l] = pair(a[row][2 * r], a[row][2 * r + 1], "f16");
        in[(2 + r) * 32 + l] = pair(b[2 * r][row], b[2 * r + 1][row], "f16");
      }
      for (int r = 0; r < 4; r++) {
        in[(4 + r) * 32 + l] = pair(c[row][2 * r], c[row][2 * r + 1], "f16");
      }
    }
    try (Gpu gpu = new Gpu(70)) {
      gpu.kernel(
          move("ld", 10, 8, 0)
              + "mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f16 %s, {%%r10,%%r11}, {%%r12,%%r13}, %s;"
                  .formatted(registers(20, 8), registers(14, 4))
              + move("st", 20, 8, 0));
      long y = gpu.allocate(1024);
      gpu.run("k", 1, 32, 0, y, gpu.upload(in));
      float[] got = gpu.floats(y, 256);
      for (int k = 0; k < 256; k++) {
        int l = k % 32;
        assertThat(got[k]).isEqualTo(product(a, b, c, voltaRow(l, k / 32), voltaColumn(l, k / 32)));
      }
    }
  }

  @Test
  void aLaneThatIsMissingIsReported() {
    try (Gpu gpu = new Gpu(75)) {
      gpu.kernel(
          "setp.lt.u32 %p1, %r0, 8;\n@%p1 ret;\nmov.u32 %r5, 0;\n"
              + "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f1,%f2,%f3,%f4},"
              + "{%r5,%r5},{%r5},{%f1,%f2,%f3,%f4};");
      assertThat(gpu.fault("k", 1, 32, 0, 0L, 0L)).contains("lane 0 has ended");
    }
  }
}
