package org.hetermoe.compute.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hetermoe.tensor.DType.BF16;
import static org.hetermoe.tensor.DType.F16;
import static org.hetermoe.tensor.DType.F32;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.compute.OperationCase;
import org.hetermoe.compute.cuda.memory.MemoryPool;
import org.hetermoe.emulator.RequiresEmulatedCuda;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every operation against the plain device, at awkward sizes, on every generation, in each type
 * that it has. Tensors are not rounded up in memory, so that the emulator sees a kernel that leaves
 * one.
 */
@RequiresEmulatedCuda
class CudaParityTest {
  private static final Map<Integer, Compute> CUDA = new HashMap<>();
  private static final Map<String, List<float[]>> EXPECTED = new HashMap<>();
  private static Compute reference;

  @AfterAll
  static void close() {
    CUDA.values().forEach(Compute::close);
    CUDA.clear();
    EXPECTED.clear();
    if (reference != null) {
      reference.close();
      reference = null;
    }
  }

  static Stream<Arguments> cases() {
    return Stream.of(
            Arguments.of(70, F32, F16),
            Arguments.of(70, F16, F16),
            Arguments.of(75, F32, F32),
            Arguments.of(75, F16, F32),
            Arguments.of(80, F32, F32),
            Arguments.of(80, F16, F16),
            Arguments.of(80, BF16, F16),
            Arguments.of(90, F32, BF16),
            Arguments.of(90, F16, BF16),
            Arguments.of(90, BF16, BF16))
        .flatMap(
            device ->
                OperationCase.all().stream()
                    .filter(operation -> !isLongAttention(operation))
                    .filter(operation -> !isLargeProduct(operation) || device.get()[0].equals(80))
                    .map(
                        operation ->
                            Arguments.of(
                                device.get()[0], device.get()[1], device.get()[2], operation)));
  }

  @ParameterizedTest(name = "sm_{0} {1} {2} {3}")
  @MethodSource("cases")
  void agreesWithReference(
      int capability, DType storage, DType frame, OperationCase operation, TestReporter reporter) {
    Compute cuda =
        CUDA.computeIfAbsent(capability, sm -> EmulatedDevices.open(sm, MemoryPool.Sizing.EXACT));
    List<float[]> expected =
        EXPECTED.computeIfAbsent(
            storage + " " + frame + " " + operation,
            key -> operation.run(reference(), storage, frame));

    EmulatedDevices.emulator().faults(); // those of others are no news of this one
    List<float[]> actual = operation.run(cuda, storage, frame);

    assertThat(EmulatedDevices.emulator().faults()).isEmpty();
    assertThat(actual).hasSameSizeAs(expected);
    for (int output = 0; output < expected.size(); output++) {
      assertClose(
          actual.get(output),
          expected.get(output),
          Math.max(tolerance(storage, operation), tolerance(frame, operation)),
          output);
    }
    assertThat(cuda.memory().inUseBytes()).isZero();
    EmulatedOperations.publish(reporter, cuda);
  }

  /** Attention has a test of its own, with lengths at which its kernels do different things. */
  private static boolean isLongAttention(OperationCase operation) {
    return operation.name().matches("attention.*length=\\d{2,},.*")
        && !operation.name().contains("length=13,");
  }

  /** What it adds to the smaller ones is work for the library of products; one generation does. */
  private static boolean isLargeProduct(OperationCase operation) {
    return operation.name().contains("[300,64]x[1100,64]");
  }

  private static Compute reference() {
    if (reference == null) {
      reference = Devices.open("reference", 1);
    }
    return reference;
  }

  /** Of the largest number of an output: sums of rounded terms; two roundings of what is stored. */
  static double tolerance(DType type, OperationCase operation) {
    return switch (type) {
      case F16 -> 0x1p-9;
      case BF16 -> 0x1p-6;
      default -> 2e-6 * (8 + Math.sqrt(operation.terms()));
    };
  }

  static void assertClose(float[] actual, float[] expected, double tolerance, int output) {
    double scale = 1;
    for (float value : expected) {
      scale = Math.max(scale, Math.abs(value));
    }
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      // Not an assertion for each: there are millions. NaN is not close to anything.
      if (!(Math.abs(actual[i] - expected[i]) <= tolerance * scale)) {
        assertThat(actual[i]).as("output %d, element %d", output, i).isEqualTo(expected[i]);
      }
    }
  }
}
