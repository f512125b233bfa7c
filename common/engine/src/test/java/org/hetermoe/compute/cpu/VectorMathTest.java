package org.hetermoe.compute.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

class VectorMathTest {

  @Test
  void expIsWithinTwoUnitsOfTheLastPlace() {
    Random random = new Random(1);
    float[] x = new float[100_003];
    for (int i = 0; i < x.length; i++) {
      x[i] = random.nextFloat(-87.3f, 88.7f) * (i % 3 == 0 ? 0.01f : 1f);
    }
    float[] y = exp(x);
    double worst = 0;
    for (int i = 0; i < x.length; i++) {
      double exact = StrictMath.exp(x[i]);
      worst = Math.max(worst, Math.abs(y[i] - exact) / Math.ulp((float) exact));
    }
    assertThat(worst).isLessThan(1.5);
  }

  @Test
  void expEndsWell() {
    float[] y =
        exp(
            new float[] {
              0f,
              -0f,
              Float.NEGATIVE_INFINITY,
              Float.POSITIVE_INFINITY,
              Float.NaN,
              -1e30f,
              1e30f,
              -Float.MAX_VALUE,
              Float.MAX_VALUE,
              -88f,
              89f,
              -1000f,
              Float.MIN_VALUE
            });
    assertThat(y)
        .containsExactly(
            1f,
            1f,
            0f,
            Float.POSITIVE_INFINITY,
            Float.NaN,
            0f,
            Float.POSITIVE_INFINITY,
            0f,
            Float.POSITIVE_INFINITY,
            0f,
            Float.POSITIVE_INFINITY,
            0f,
            1f);
  }

  @Test
  void expScalesAndShifts() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment x = arena.allocateFrom(JAVA_FLOAT, 1f, 2f, 3f);
      VectorMath.exp(x.address(), -2f, 1f, x.address(), 2);
      assertThat(x.toArray(JAVA_FLOAT))
          .containsExactly((float) StrictMath.exp(-1), (float) StrictMath.exp(-3), 3f);
    }
  }

  private static float[] exp(float[] x) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment segment = arena.allocateFrom(JAVA_FLOAT, x);
      VectorMath.exp(segment.address(), 1f, 0f, segment.address(), x.length);
      return segment.toArray(JAVA_FLOAT);
    }
  }
}
