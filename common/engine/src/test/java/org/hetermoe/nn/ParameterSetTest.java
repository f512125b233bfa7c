package org.hetermoe.nn;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import org.hetermoe.compute.AdamWStep;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.compute.Tensor;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ParameterSetTest {
  private static final Map<String, Shape> SHAPES = Map.of("w", Shape.of(3, 5));

  private static float[] floats(Compute compute, Tensor tensor) {
    float[] values = new float[Math.toIntExact(tensor.shape().elements())];
    compute.read(tensor, MemorySegment.ofArray(values));
    return values;
  }

  @ParameterizedTest
  @ValueSource(strings = {"cpu", "reference"})
  void inSinglePrecisionAWeightIsItsOwnMaster(String device) {
    try (Compute compute = Devices.open(device, 1);
        ParameterSet set = new ParameterSet(compute, DType.F32, SHAPES)) {
      compute.fill(set.get("w").master(), 2.5f);

      assertThat(floats(compute, set.value("w"))).containsOnly(2.5f);
    }
  }

  /** Updates too small for the type of the values add up in the master weights. */
  @ParameterizedTest
  @CsvSource({"cpu,BF16", "cpu,F16", "reference,BF16", "reference,F16"})
  void smallUpdatesAddUpInTheMaster(String device, DType type) {
    try (Compute compute = Devices.open(device, 1);
        ParameterSet set = new ParameterSet(compute, type, SHAPES)) {
      Parameter w = set.get("w");
      compute.fill(w.master(), 1f);
      set.refreshValues();
      assertThat(w.value().dtype()).isEqualTo(type);
      assertThat(w.gradient().dtype()).isEqualTo(DType.F32);

      int updates = 100;
      for (int step = 1; step <= updates; step++) {
        compute.fill(w.gradient(), -1f);
        compute.adamW(
            w.master(),
            w.value(),
            w.gradient(),
            w.m(),
            w.v(),
            new AdamWStep(
                1e-4, 0.9, 0.95, 1e-8, 0, 1, 1 - Math.pow(0.9, step), 1 - Math.pow(0.95, step)));
      }

      assertThat(floats(compute, w.master())[0]).isBetween(1.0099f, 1.0101f);
      try (Tensor back = compute.zeros(DType.F32, w.value().shape())) {
        compute.convert(w.value(), back);
        float lastPlace = type == DType.BF16 ? 0x1p-7f : 0x1p-10f;
        assertThat(floats(compute, back)[0])
            .isGreaterThan(1f)
            .isBetween(1.01f - lastPlace / 2, 1.01f + lastPlace / 2);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F16", "BF16"})
  void conversionsRoundToTheNearestAndTiesToEven(DType type) {
    float lastPlace = type == DType.BF16 ? 0x1p-7f : 0x1p-10f;
    float[] values = {
      1 + lastPlace / 2,
      1 + 1.5f * lastPlace,
      1 + 0.51f * lastPlace,
      -1 - lastPlace / 2,
      0f,
      -0f,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      Float.NaN,
      Float.MIN_VALUE
    };
    float[] expected = {
      1,
      1 + 2 * lastPlace,
      1 + lastPlace,
      -1,
      0f,
      -0f,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      Float.NaN,
      0f
    };
    for (String device : new String[] {"cpu", "reference"}) {
      try (Compute compute = Devices.open(device, 1);
          Tensor source = compute.allocate(DType.F32, Shape.of(values.length));
          Tensor small = compute.allocate(type, Shape.of(values.length));
          Tensor back = compute.allocate(DType.F32, Shape.of(values.length))) {
        compute.write(MemorySegment.ofArray(values), source);
        compute.convert(source, small);
        compute.convert(small, back);

        assertThat(floats(compute, back)).as(device).containsExactly(expected);
      }
    }
  }
}
