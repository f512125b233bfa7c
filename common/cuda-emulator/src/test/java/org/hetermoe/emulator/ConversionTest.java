package org.hetermoe.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Conversions and sixteen-bit arithmetic against Java's. */
@RequiresEmulatedCuda
class ConversionTest {

  interface Convert {
    int of(float x);
  }

  static Stream<Arguments> conversions() {
    return Stream.of(
        Arguments.of("cvt.rzi.s32.f32 %r1, %f1;", (Convert) x -> (int) x),
        Arguments.of("cvt.rni.s32.f32 %r1, %f1;", (Convert) x -> (int) Math.rint(x)),
        Arguments.of("cvt.rmi.s32.f32 %r1, %f1;", (Convert) x -> (int) Math.floor(x)),
        Arguments.of("cvt.rpi.s32.f32 %r1, %f1;", (Convert) x -> (int) Math.ceil(x)),
        Arguments.of(
            "cvt.rzi.u32.f32 %r1, %f1;",
            (Convert) x -> (int) (long) Math.max(0, Math.min(x, 4294967295.0))),
        Arguments.of(
            "cvt.rn.f16.f32 %h1, %f1; cvt.u32.u16 %r1, %h1;",
            (Convert) x -> Float.floatToFloat16(x) & 0xffff),
        Arguments.of(
            "cvt.rn.bf16.f32 %h1, %f1; cvt.u32.u16 %r1, %h1;", (Convert) ConversionTest::bfloat),
        Arguments.of(
            "cvt.rn.f16x2.f32 %r1, %f1, 0f3F800000;",
            (Convert) x -> Float.floatToFloat16(x) << 16 | 0x3c00),
        Arguments.of(
            "cvt.rn.bf16x2.f32 %r1, %f1, 0f3F800000;", (Convert) x -> bfloat(x) << 16 | 0x3f80),
        Arguments.of(
            "cvt.f64.f32 %fd1, %f1; cvt.rn.f32.f64 %f2, %fd1; mov.b32 %r1, %f2;",
            (Convert) Float::floatToRawIntBits),
        Arguments.of(
            "cvt.rmi.f32.f32 %f2, %f1; mov.b32 %r1, %f2;",
            (Convert) x -> Float.floatToRawIntBits((float) Math.floor(x))),
        Arguments.of(
            "cvt.sat.f32.f32 %f2, %f1; mov.b32 %r1, %f2;",
            (Convert) x -> Float.floatToRawIntBits(x > 0 ? Math.min(x, 1) : 0)),
        Arguments.of(
            "mov.b32 %r2, %f1; cvt.rn.f32.s32 %f2, %r2; mov.b32 %r1, %f2;",
            (Convert) x -> Float.floatToRawIntBits((float) Float.floatToRawIntBits(x))),
        Arguments.of(
            "mov.b32 %r2, %f1; cvt.s32.s8 %r1, %r2;",
            (Convert) x -> (byte) Float.floatToRawIntBits(x)),
        Arguments.of(
            "mov.b32 %r2, %f1; cvt.u32.u8 %r1, %r2;",
            (Convert) x -> Float.floatToRawIntBits(x) & 255),
        Arguments.of(
            "mov.b32 %r2, %f1; cvt.s64.s32 %rd9, %r2; shr.s64 %rd9, %rd9, 16; cvt.u32.u64 %r1, %rd9;",
            (Convert) x -> (int) ((long) Float.floatToRawIntBits(x) >> 16)));
  }

  private static int bfloat(float x) {
    int bits = Float.floatToRawIntBits(x);
    return Float.isNaN(x) ? 0x7fff : (bits + 0x7fff + (bits >>> 16 & 1)) >>> 16;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("conversions")
  void conversionsAreAsJavas(String op, Convert f) {
    Random random = new Random(5);
    float[] x = new float[32];
    for (int l = 0; l < 32; l++) {
      x[l] = (float) (random.nextGaussian() * Math.pow(2, random.nextInt(-24, 14)));
    }
    x[0] = 2.5f;
    x[1] = -1e30f;
    x[2] = 65519.9f;
    x[3] = 65520f;
    x[4] = 5.96e-8f;
    try (Gpu gpu = new Gpu(90)) {
      gpu.kernel("ld.global.f32 %f1, [%rd4]; " + op + " st.global.u32 [%rd3], %r1;");
      long y = gpu.allocate(128);
      gpu.run("k", 1, 32, 0, y, gpu.upload(x));
      int[] got = gpu.ints(y, 32);
      for (int l = 0; l < 32; l++) {
        assertThat(got[l]).as("%s", x[l]).isEqualTo(f.of(x[l]));
      }
    }
  }

  @Test
  void allHalvesBecomeSingles() {
    short[] halves = new short[1 << 16];
    for (int k = 0; k < halves.length; k++) {
      halves[k] = (short) k;
    }
    try (Gpu gpu = new Gpu(90)) {
      gpu.kernel(
          """
            mov.u32 %r1, %ctaid.x; mad.lo.u32 %r1, %r1, 256, %r0;
            mul.wide.u32 %rd5, %r1, 2; add.u64 %rd5, %rd5, %rd1;
            ld.global.u16 %h1, [%rd5];
            cvt.f32.f16 %f1, %h1; cvt.f32.bf16 %f2, %h1;
            mul.wide.u32 %rd6, %r1, 8; add.u64 %rd6, %rd6, %rd0;
            st.global.v2.f32 [%rd6], {%f1, %f2};
          """);
      long y = gpu.allocate(halves.length * 8L);
      gpu.run("k", 256, 256, 0, y, gpu.upload(halves));
      float[] got = gpu.floats(y, 2 * halves.length);
      for (int k = 0; k < halves.length; k++) {
        if (!Float.isNaN(Float.float16ToFloat(halves[k]))) {
          assertThat(got[2 * k]).isEqualTo(Float.float16ToFloat(halves[k]));
        }
        assertThat(Float.floatToRawIntBits(got[2 * k + 1])).isEqualTo(k << 16);
      }
    }
  }

  @Test
  void sixteenBitArithmeticRoundsOnce() {
    Random random = new Random(6);
    short[] halves = new short[3 * 64];
    for (int k = 0; k < halves.length; k++) {
      halves[k] =
          Float.floatToFloat16(
              (float) (random.nextGaussian() * Math.pow(2, random.nextInt(-8, 8))));
    }
    try (Gpu gpu = new Gpu(80)) {
      gpu.kernel(
          """
            ld.global.b32 %r1, [%rd4]; ld.global.b32 %r2, [%rd4+128]; ld.global.b32 %r3, [%rd4+256];
            fma.rn.f16x2 %r4, %r1, %r2, %r3;
            add.f16x2 %r5, %r1, %r2;
            mul.f16x2 %r6, %r1, %r2;
            max.f16x2 %r7, %r1, %r2;
            st.global.b32 [%rd3], %r4; st.global.b32 [%rd3+128], %r5; st.global.b32 [%rd3+256], %r6;
            st.global.b32 [%rd3+384], %r7;
          """);
      long y = gpu.allocate(512);
      gpu.run("k", 1, 32, 0, y, gpu.upload(halves));
      short[] got = gpu.shorts(y, 256);
      for (int k = 0; k < 64; k++) {
        float a = Float.float16ToFloat(halves[k]);
        float b = Float.float16ToFloat(halves[64 + k]);
        float c = Float.float16ToFloat(halves[128 + k]);
        assertThat(got[k])
            .as("fma")
            .isEqualTo(
                roundOnce(
                    new java.math.BigDecimal(a)
                        .multiply(new java.math.BigDecimal(b))
                        .add(new java.math.BigDecimal(c))));
        assertThat(got[64 + k]).isEqualTo(Float.floatToFloat16(a + b));
        assertThat(got[128 + k]).isEqualTo(Float.floatToFloat16(a * b));
        assertThat(got[192 + k]).isEqualTo(Float.floatToFloat16(Math.max(a, b)));
      }
    }
  }

  /**
   * The nearest half: of the two around a value's own rounding, the one that is closer, with ties
   * to even.
   */
  private static short roundOnce(java.math.BigDecimal exact) {
    short near = Float.floatToFloat16(exact.floatValue());
    short best = near;
    for (int step = -1; step <= 1; step++) {
      short candidate = (short) (near + step);
      float value = Float.float16ToFloat(candidate);
      if (!Float.isFinite(value)) {
        continue;
      }
      int order = distance(exact, candidate).compareTo(distance(exact, best));
      if (order < 0 || (order == 0 && (candidate & 1) == 0)) {
        best = candidate;
      }
    }
    return best;
  }

  private static java.math.BigDecimal distance(java.math.BigDecimal exact, short half) {
    return exact.subtract(new java.math.BigDecimal(Float.float16ToFloat(half))).abs();
  }
}
