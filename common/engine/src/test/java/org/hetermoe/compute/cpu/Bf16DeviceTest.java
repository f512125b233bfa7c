package org.hetermoe.compute.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hetermoe.tensor.DType.BF16;
import static org.hetermoe.tensor.DType.F16;
import static org.hetermoe.tensor.DType.F32;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.compute.OperationCase;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The device in bf16 against the plain one, at awkward sizes: on every machine with a plain
 * product, and with oneDNN's where the processor has one.
 */
class Bf16DeviceTest {
  /** Of the largest number of an output: sums of rounded terms; two roundings of what is stored. */
  private static final double TOLERANCE = 0x1p-6;

  private static Compute reference;
  private static Compute one;
  private static Compute three;

  @BeforeAll
  static void open() {
    reference = Devices.open("reference", 1);
    one = PlainBf16.open(1);
    three = PlainBf16.open(3);
  }

  @AfterAll
  static void close() {
    reference.close();
    one.close();
    three.close();
  }

  static Stream<Arguments> cases() {
    return OperationCase.all().stream()
        .flatMap(
            operation -> Stream.of(Arguments.of(operation, BF16), Arguments.of(operation, F16)));
  }

  static List<OperationCase> operations() {
    return OperationCase.all();
  }

  @Test
  void aDeviceWithAProductHasBf16() {
    assertThat(one.refusal(BF16)).isEmpty();
    assertThat(one.refusal(F32)).isEmpty();
    assertThat(one.refusal(F16)).isPresent();
  }

  @ParameterizedTest(name = "{0}, frames {1}")
  @MethodSource("cases")
  void agreesWithReference(OperationCase operation, DType frame) {
    assertClose(operation.run(one, BF16, frame), operation.run(reference, BF16, frame), TOLERANCE);
  }

  static Stream<Arguments> moves() {
    return cases().filter(of -> of.get()[0].toString().startsWith("gather and combine"));
  }

  /** Frames may be of 16 bits where this side computes in single precision, on any processor. */
  @ParameterizedTest(name = "{0}, frames {1}")
  @MethodSource("moves")
  void framesOfAnyTypeMeetSinglePrecision(OperationCase operation, DType frame) {
    try (Compute cpu = Devices.open("cpu", 2)) {
      assertClose(operation.run(cpu, F32, frame), operation.run(reference, F32, frame), TOLERANCE);
    }
  }

  @ParameterizedTest
  @MethodSource("operations")
  void threadsDoNotShow(OperationCase operation) {
    assertSameBits(operation.run(three, BF16, BF16), operation.run(one, BF16, BF16));
  }

  /** Single precision goes where it always went, whatever the device computes in beside it. */
  @ParameterizedTest
  @MethodSource("operations")
  void singlePrecisionIsThatOfTheDeviceWithoutBf16(OperationCase operation) {
    try (Compute cpu = Devices.open("cpu", 1)) {
      assertSameBits(operation.run(one, F32, F32), operation.run(cpu, F32, F32));
    }
  }

  @ParameterizedTest
  @MethodSource("operations")
  void theProcessorsProductAgreesWithThePlainOne(OperationCase operation) {
    assumeTrue(
        OneDnn.multipliesBf16(),
        "this processor has neither AVX512-BF16 nor AMX, or oneDNN may not use them");
    try (Compute cpu = Devices.open("cpu", 2)) {
      List<float[]> expected = operation.run(one, BF16, BF16);
      assertClose(operation.run(cpu, BF16, BF16), expected, TOLERANCE);
      assertClose(operation.run(cpu, BF16, BF16), operation.run(reference, BF16, BF16), TOLERANCE);
    }
  }

  private static void assertSameBits(List<float[]> actual, List<float[]> expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int output = 0; output < expected.size(); output++) {
      assertThat(Arrays.mismatch(bits(actual.get(output)), bits(expected.get(output))))
          .as("output %d, the first element that differs", output)
          .isEqualTo(-1);
    }
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }

  private static void assertClose(List<float[]> actual, List<float[]> expected, double tolerance) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int output = 0; output < expected.size(); output++) {
      float[] wanted = expected.get(output);
      float[] got = actual.get(output);
      double scale = 1;
      for (float value : wanted) {
        scale = Math.max(scale, Math.abs(value));
      }
      assertThat(got).hasSameSizeAs(wanted);
      for (int i = 0; i < wanted.length; i++) {
        // Not an assertion for each: there are many. NaN is not close to anything.
        if (!(Math.abs(got[i] - wanted[i]) <= tolerance * scale)) {
          assertThat(got[i]).as("output %d, element %d", output, i).isEqualTo(wanted[i]);
        }
      }
    }
  }
}
