package org.hetermoe.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.function.DoubleBinaryOperator;
import java.util.function.LongBinaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Arithmetic of the interpreter against Java's. */
@RequiresEmulatedCuda
class ArithmeticTest {

  /** a op b op c. */
  interface Ints {
    int of(int a, int b, int c);
  }

  interface Longs {
    long of(long a, long b, long c);
  }

  interface Floats {
    float of(float a, float b, float c);
  }

  private static Arguments ints(String op, Ints f) {
    return Arguments.of(op, f);
  }

  static Stream<Arguments> ints() {
    return Stream.of(
        ints("add.s32 D, A, B", (a, b, c) -> a + b),
        ints("sub.u32 D, A, B", (a, b, c) -> a - b),
        ints("mul.lo.s32 D, A, B", (a, b, c) -> a * b),
        ints("mul.hi.s32 D, A, B", (a, b, c) -> (int) (((long) a * b) >> 32)),
        ints(
            "mul.hi.u32 D, A, B",
            (a, b, c) -> (int) (((a & 0xffffffffL) * (b & 0xffffffffL)) >>> 32)),
        ints("mad.lo.s32 D, A, B, C", (a, b, c) -> a * b + c),
        ints("mad.hi.s32 D, A, B, C", (a, b, c) -> (int) (((long) a * b) >> 32) + c),
        ints("div.s32 D, A, C", (a, b, c) -> c == 0 ? -1 : a / c),
        ints("div.u32 D, A, C", (a, b, c) -> c == 0 ? -1 : Integer.divideUnsigned(a, c)),
        ints("rem.s32 D, A, C", (a, b, c) -> c == 0 ? a : a % c),
        ints("rem.u32 D, A, C", (a, b, c) -> c == 0 ? a : Integer.remainderUnsigned(a, c)),
        ints("min.s32 D, A, B", (a, b, c) -> Math.min(a, b)),
        ints("max.u32 D, A, B", (a, b, c) -> Integer.compareUnsigned(a, b) > 0 ? a : b),
        ints("abs.s32 D, A", (a, b, c) -> Math.abs(a)),
        ints("neg.s32 D, A", (a, b, c) -> -a),
        ints("not.b32 D, A", (a, b, c) -> ~a),
        ints("cnot.b32 D, A", (a, b, c) -> a == 0 ? 1 : 0),
        ints("and.b32 D, A, B", (a, b, c) -> a & b),
        ints("or.b32 D, A, B", (a, b, c) -> a | b),
        ints("xor.b32 D, A, B", (a, b, c) -> a ^ b),
        ints("lop3.b32 D, A, B, C, 0xE8", (a, b, c) -> (a & b) | (a & c) | (b & c)),
        ints("lop3.b32 D, A, B, C, 0x52", (a, b, c) -> (~a & ~b & c) | (a & ~c)),
        ints("shl.b32 D, A, C", (a, b, c) -> Integer.compareUnsigned(c, 32) < 0 ? a << c : 0),
        ints("shr.u32 D, A, C", (a, b, c) -> Integer.compareUnsigned(c, 32) < 0 ? a >>> c : 0),
        ints("shr.s32 D, A, C", (a, b, c) -> Integer.compareUnsigned(c, 32) < 0 ? a >> c : a >> 31),
        ints("shf.l.wrap.b32 D, A, B, C", (a, b, c) -> (int) (both(a, b) << (c & 31) >>> 32)),
        ints("shf.r.wrap.b32 D, A, B, C", (a, b, c) -> (int) (both(a, b) >>> (c & 31))),
        ints("popc.b32 D, A", (a, b, c) -> Integer.bitCount(a)),
        ints("clz.b32 D, A", (a, b, c) -> Integer.numberOfLeadingZeros(a)),
        ints("brev.b32 D, A", (a, b, c) -> Integer.reverse(a)),
        ints("bfind.u32 D, A", (a, b, c) -> 31 - Integer.numberOfLeadingZeros(a)),
        ints("bfe.u32 D, A, 5, 7", (a, b, c) -> a >>> 5 & 127),
        ints("bfe.s32 D, A, 5, 7", (a, b, c) -> a << 20 >> 25),
        ints("bfi.b32 D, A, B, 9, 4", (a, b, c) -> (b & ~(15 << 9)) | ((a & 15) << 9)),
        ints("prmt.b32 D, A, B, 0x5410", (a, b, c) -> (a & 0xffff) | (b << 16)),
        ints(
            "prmt.b32 D, A, B, 0x9876",
            (a, b, c) ->
                ((b >>> 16) & 0xff) | ((b >>> 24) << 8) | (sign(a, 0) << 16) | (sign(a, 1) << 24)),
        ints("selp.b32 D, A, B, %p2", (a, b, c) -> c < 3 ? a : b));
  }

  private static long both(int low, int high) {
    return (low & 0xffffffffL) | ((long) high << 32);
  }

  private static int sign(int value, int position) {
    return ((value >> (8 * position)) & 128) != 0 ? 255 : 0;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("ints")
  void integersAreAsJavas(String op, Ints f) {
    int[] a = edges(1);
    int[] b = edges(2);
    int[] c = new Random(3).ints(32, -2, 40).toArray();
    try (Gpu gpu = new Gpu(80)) {
      String text =
          op.replace("D", "%r10").replace("A", "%r1").replace("B", "%r2").replace("C", "%r3");
      for (int mask : new int[] {-1, 0xfff7_0fff, 0x0010_0200}) {
        int[] expected = new int[32];
        for (int l = 0; l < 32; l++) {
          expected[l] = (mask >>> l & 1) != 0 ? f.of(a[l], b[l], c[l]) : 77;
        }
        gpu.kernel(threeOperands(text, mask, "b32", "%r"));
        long y = gpu.allocate(128);
        gpu.run("k", 1, 32, 0, y, gpu.upload(concat(a, b, c)));
        assertThat(gpu.ints(y, 32)).as("lanes %x", mask).containsExactly(expected);
      }
    }
  }

  /** Registers 1 to 3 from q, the operation under a guard, register 10 to p. */
  private static String threeOperands(String text, int mask, String type, String prefix) {
    return """
          ld.global.T R1, [%rd4];
          ld.global.T R2, [%rd4+128];
          ld.global.T R3, [%rd4+256];
          mov.u32 %r20, MASK;
          shr.u32 %r20, %r20, %r0;
          and.b32 %r20, %r20, 1;
          setp.ne.u32 %p1, %r20, 0;
          ld.global.s32 %r21, [%rd4+256];
          setp.lt.s32 %p2, %r21, 3;
          mov.b32 R10, 77;
          @%p1 OP;
          st.global.T [%rd3], R10;
        """
        .replace("OP", text)
        .replace("MASK", String.valueOf(mask & 0xffffffffL))
        .replace(
            "mov.b32 R10, 77", prefix.equals("%f") ? "mov.f32 R10, 0f429A0000" : "mov.b32 R10, 77")
        .replace("T ", type + " ")
        .replace("R", prefix);
  }

  private static int[] edges(int seed) {
    int[] v = new Random(seed).ints(32).toArray();
    v[3] = 0;
    v[4] = -1;
    v[5] = Integer.MIN_VALUE;
    v[20 + seed] = Integer.MAX_VALUE;
    return v;
  }

  private static int[] concat(int[]... parts) {
    return Stream.of(parts).flatMapToInt(java.util.Arrays::stream).toArray();
  }

  static Stream<Arguments> floats() {
    Floats rounded = (a, b, c) -> floor((double) a * b + c);
    return Stream.of(
        Arguments.of("add.rn.f32 D, A, B", (Floats) (a, b, c) -> a + b),
        Arguments.of("sub.f32 D, A, B", (Floats) (a, b, c) -> a - b),
        Arguments.of("mul.rn.f32 D, A, B", (Floats) (a, b, c) -> a * b),
        Arguments.of("div.rn.f32 D, A, B", (Floats) (a, b, c) -> a / b),
        Arguments.of("fma.rn.f32 D, A, B, C", (Floats) Math::fma),
        Arguments.of("fma.rm.f32 D, A, B, C", rounded),
        Arguments.of("add.rz.f32 D, A, B", (Floats) (a, b, c) -> towardZero((double) a + b)),
        Arguments.of("add.sat.f32 D, A, B", (Floats) (a, b, c) -> saturate(a + b)),
        Arguments.of(
            "fma.rn.sat.f32 D, A, B, C", (Floats) (a, b, c) -> saturate(Math.fma(a, b, c))),
        Arguments.of(
            "min.f32 D, A, B",
            (Floats) (a, b, c) -> Float.isNaN(a) ? b : Float.isNaN(b) ? a : Math.min(a, b)),
        Arguments.of(
            "max.f32 D, A, B",
            (Floats) (a, b, c) -> Float.isNaN(a) ? b : Float.isNaN(b) ? a : Math.max(a, b)),
        Arguments.of("max.NaN.f32 D, A, B", (Floats) (a, b, c) -> Math.max(a, b)),
        Arguments.of("abs.f32 D, A", (Floats) (a, b, c) -> Math.abs(a)),
        Arguments.of("neg.f32 D, A", (Floats) (a, b, c) -> -a),
        Arguments.of("copysign.f32 D, A, B", (Floats) (a, b, c) -> Math.copySign(b, a)),
        Arguments.of("sqrt.rn.f32 D, A", (Floats) (a, b, c) -> (float) Math.sqrt(a)),
        Arguments.of("rcp.rn.f32 D, A", (Floats) (a, b, c) -> 1 / a),
        Arguments.of("selp.f32 D, A, B, %p1", (Floats) (a, b, c) -> a));
  }

  private static float saturate(float v) {
    return v > 0 ? Math.min(v, 1) : 0;
  }

  private static float floor(double exact) {
    float f = (float) exact;
    return f > exact ? Math.nextDown(f) : f;
  }

  private static float towardZero(double exact) {
    float f = (float) exact;
    return Math.abs((double) f) > Math.abs(exact) ? Math.nextAfter(f, 0) : f;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("floats")
  void singlePrecisionIsAsJavas(String op, Floats f) {
    float[] a = numbers(1);
    float[] b = numbers(2);
    float[] c = numbers(3);
    if (op.startsWith("max") || op.startsWith("min")) {
      a[7] = Float.NaN;
      b[9] = Float.NaN;
    }
    float[] all = new float[96];
    float[] expected = new float[32];
    for (int l = 0; l < 32; l++) {
      all[l] = a[l];
      all[32 + l] = b[l];
      all[64 + l] = c[l];
      expected[l] = f.of(a[l], b[l], c[l]);
    }
    try (Gpu gpu = new Gpu(80)) {
      String text =
          op.replace("D", "%f10")
              .replace("A,", "%f1,")
              .replaceAll("A$", "%f1")
              .replace("B", "%f2")
              .replace("C", "%f3");
      gpu.kernel(threeOperands(text, -1, "f32", "%f"));
      long y = gpu.allocate(128);
      gpu.run("k", 1, 32, 0, y, gpu.upload(all));
      assertThat(gpu.floats(y, 32)).containsExactly(expected);
    }
  }

  private static float[] numbers(int seed) {
    Random random = new Random(seed);
    float[] v = new float[32];
    for (int l = 0; l < 32; l++) {
      v[l] = (float) (random.nextGaussian() * Math.pow(2, random.nextInt(-3, 3)));
    }
    return v;
  }

  static Stream<Arguments> functions() {
    return Stream.of(
        Arguments.of("ex2.approx.ftz.f32", (DoubleBinaryOperator) (x, y) -> Math.pow(2, x)),
        Arguments.of(
            "lg2.approx.f32", (DoubleBinaryOperator) (x, y) -> Math.log(Math.abs(x)) / Math.log(2)),
        Arguments.of(
            "rsqrt.approx.f32", (DoubleBinaryOperator) (x, y) -> 1 / Math.sqrt(Math.abs(x))),
        Arguments.of("sin.approx.f32", (DoubleBinaryOperator) (x, y) -> Math.sin(x)),
        Arguments.of("cos.approx.f32", (DoubleBinaryOperator) (x, y) -> Math.cos(x)),
        Arguments.of("tanh.approx.f32", (DoubleBinaryOperator) (x, y) -> Math.tanh(x)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("functions")
  void functionsAreWithinTheirBounds(String op, DoubleBinaryOperator f) {
    boolean positive = op.startsWith("lg2") || op.startsWith("rsqrt");
    float[] x = new float[32];
    for (int l = 0; l < 32; l++) {
      x[l] = (l - 15.3f) * 1.37f;
      x[l] = positive ? Math.abs(x[l]) : x[l];
    }
    try (Gpu gpu = new Gpu(80)) {
      gpu.kernel("ld.global.f32 %f1, [%rd4]; " + op + " %f2, %f1; st.global.f32 [%rd3], %f2;");
      long y = gpu.allocate(128);
      gpu.run("k", 1, 32, 0, y, gpu.upload(x));
      float[] got = gpu.floats(y, 32);
      for (int l = 0; l < 32; l++) {
        double expected = f.applyAsDouble(x[l], 0);
        assertThat((double) got[l])
            .isCloseTo(
                expected, org.assertj.core.data.Offset.offset(Math.abs(expected) * 3e-7 + 1e-7));
      }
    }
  }

  @Test
  void exponentialsAtTheEnds() {
    float[] x = new float[32];
    x[0] = Float.NEGATIVE_INFINITY;
    x[1] = Float.POSITIVE_INFINITY;
    x[2] = Float.NaN;
    x[3] = -126;
    x[4] = 127;
    x[5] = 200;
    x[6] = -300;
    x[7] = -140;
    try (Gpu gpu = new Gpu(70)) {
      gpu.kernel("ld.global.f32 %f1, [%rd4]; ex2.approx.f32 %f2, %f1; st.global.f32 [%rd3], %f2;");
      long y = gpu.allocate(128);
      gpu.run("k", 1, 32, 0, y, gpu.upload(x));
      assertThat(gpu.floats(y, 9))
          .containsExactly(
              0,
              Float.POSITIVE_INFINITY,
              Float.NaN,
              0x1p-126f,
              0x1p127f,
              Float.POSITIVE_INFINITY,
              0,
              0x1p-140f,
              1);
    }
  }

  static Stream<Arguments> longs() {
    return Stream.of(
        Arguments.of("add.s64 D, A, B", (LongBinaryOperator) (a, b) -> a + b),
        Arguments.of("mul.lo.s64 D, A, B", (LongBinaryOperator) (a, b) -> a * b),
        Arguments.of("mul.hi.s64 D, A, B", (LongBinaryOperator) Math::multiplyHigh),
        Arguments.of("mul.hi.u64 D, A, B", (LongBinaryOperator) Math::unsignedMultiplyHigh),
        Arguments.of("mad.lo.s64 D, A, B, A", (LongBinaryOperator) (a, b) -> a * b + a),
        Arguments.of("div.s64 D, A, B", (LongBinaryOperator) (a, b) -> a / b),
        Arguments.of("rem.u64 D, A, B", (LongBinaryOperator) Long::remainderUnsigned),
        Arguments.of("min.s64 D, A, B", (LongBinaryOperator) Math::min),
        Arguments.of("xor.b64 D, A, B", (LongBinaryOperator) (a, b) -> a ^ b),
        Arguments.of("shl.b64 D, A, 17", (LongBinaryOperator) (a, b) -> a << 17),
        Arguments.of("shr.s64 D, A, 40", (LongBinaryOperator) (a, b) -> a >> 40),
        Arguments.of("neg.s64 D, A", (LongBinaryOperator) (a, b) -> -a),
        Arguments.of("add.f64 D, A, B", (LongBinaryOperator) (a, b) -> bits(real(a) + real(b))),
        Arguments.of("div.rn.f64 D, A, B", (LongBinaryOperator) (a, b) -> bits(real(a) / real(b))),
        Arguments.of(
            "fma.rn.f64 D, A, B, A",
            (LongBinaryOperator) (a, b) -> bits(Math.fma(real(a), real(b), real(a)))),
        Arguments.of(
            "max.f64 D, A, B", (LongBinaryOperator) (a, b) -> bits(Math.max(real(a), real(b)))));
  }

  private static double real(long bits) {
    return Double.longBitsToDouble(bits);
  }

  private static long bits(double value) {
    return Double.doubleToRawLongBits(value);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("longs")
  void sixtyFourBitsAreAsJavas(String op, LongBinaryOperator f) {
    Random random = new Random(4);
    long[] all = new long[64];
    for (int l = 0; l < 64; l++) {
      all[l] = op.contains("f64") ? bits(random.nextGaussian()) : random.nextLong();
    }
    try (Gpu gpu = new Gpu(75)) {
      gpu.kernel(
          """
            mul.wide.u32 %rd5, %r0, 8;
            add.u64 %rd6, %rd1, %rd5;
            ld.global.u64 %rd10, [%rd6];
            ld.global.u64 %rd11, [%rd6+256];
            OP;
            add.u64 %rd7, %rd0, %rd5;
            st.global.u64 [%rd7], %rd12;
          """
              .replace("OP", op.replace("D", "%rd12").replace("A", "%rd10").replace("B", "%rd11")));
      long y = gpu.allocate(256);
      gpu.run("k", 1, 32, 0, y, gpu.upload(java.lang.foreign.MemorySegment.ofArray(all)));
      long[] got = gpu.download(y, 256).toArray(java.lang.foreign.ValueLayout.JAVA_LONG);
      for (int l = 0; l < 32; l++) {
        assertThat(got[l]).isEqualTo(f.applyAsLong(all[l], all[32 + l]));
      }
    }
  }

  @Test
  void carriesGoFromWordToWord() {
    try (Gpu gpu = new Gpu(70)) {
      gpu.kernel(
          """
            ld.global.u32 %r1, [%rd4];
            ld.global.u32 %r2, [%rd4+128];
            add.cc.u32 %r3, %r1, %r2;
            addc.u32 %r4, 5, 7;
            sub.cc.u32 %r5, %r1, %r2;
            subc.u32 %r6, 5, 7;
            st.global.u32 [%rd3], %r4;
            st.global.u32 [%rd3+128], %r6;
          """);
      int[] a = edges(1);
      int[] b = edges(2);
      long y = gpu.allocate(256);
      gpu.run("k", 1, 32, 0, y, gpu.upload(concat(a, b)));
      int[] got = gpu.ints(y, 64);
      for (int l = 0; l < 32; l++) {
        long x = a[l] & 0xffffffffL;
        long z = b[l] & 0xffffffffL;
        assertThat(got[l]).isEqualTo(12 + (x + z > 0xffffffffL ? 1 : 0));
        assertThat(got[32 + l]).isEqualTo(-2 - (x < z ? 1 : 0));
      }
    }
  }

  @Test
  void comparisonsKnowOfNan() {
    String[] names = {
      "eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"
    };
    float[] a = {1, 2, Float.NaN, 3, -0f};
    float[] b = {2, 1, 1, 3, 0f};
    StringBuilder body =
        new StringBuilder(
            "ld.global.f32 %f1, [%rd4]; ld.global.f32 %f2, [%rd4+128]; mov.u32 %r5, 0;\n");
    for (int k = 0; k < names.length; k++) {
      body.append(
          "setp.%s.f32 %%p1, %%f1, %%f2; @%%p1 or.b32 %%r5, %%r5, %d;%n"
              .formatted(names[k], 1 << k));
    }
    body.append("st.global.u32 [%rd3], %r5;");
    float[] all = new float[64];
    System.arraycopy(a, 0, all, 0, 5);
    System.arraycopy(b, 0, all, 32, 5);
    try (Gpu gpu = new Gpu(70)) {
      gpu.kernel(body.toString());
      long y = gpu.allocate(128);
      gpu.run("k", 1, 32, 0, y, gpu.upload(all));
      int[] got = gpu.ints(y, 5);
      for (int l = 0; l < 5; l++) {
        boolean nan = Float.isNaN(a[l]) || Float.isNaN(b[l]);
        boolean[] ordered = {
          a[l] == b[l], !nan && a[l] != b[l], a[l] < b[l], a[l] <= b[l], a[l] > b[l], a[l] >= b[l]
        };
        int expected = nan ? 1 << 13 : 1 << 12;
        for (int k = 0; k < 6; k++) {
          expected |= ordered[k] ? 1 << k : 0;
          expected |= ordered[k] || nan ? 1 << (k + 6) : 0;
        }
        assertThat(got[l]).as("%s and %s", a[l], b[l]).isEqualTo(expected);
      }
    }
  }
}
