package org.hetermoe.compute;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The fast device against the plain one, at awkward sizes. */
class ParityTest {
  private static Compute reference;
  private static Compute cpu;

  @BeforeAll
  static void open() {
    reference = Devices.open("reference", 1);
    cpu = Devices.open("cpu", 2);
  }

  @AfterAll
  static void close() {
    reference.close();
    cpu.close();
  }

  static List<OperationCase> cases() {
    return OperationCase.all();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void cpuAgreesWithReference(OperationCase operation) {
    List<float[]> expected = operation.run(reference);
    List<float[]> actual = operation.run(cpu);
    double tolerance = 1e-6 * (8 + Math.sqrt(operation.terms()));
    for (int output = 0; output < expected.size(); output++) {
      double scale = 1;
      for (float value : expected.get(output)) {
        scale = Math.max(scale, Math.abs(value));
      }
      assertThat(actual.get(output)).hasSameSizeAs(expected.get(output));
      for (int i = 0; i < expected.get(output).length; i++) {
        assertThat((double) actual.get(output)[i])
            .as("output %d, element %d", output, i)
            .isBetween(
                expected.get(output)[i] - tolerance * scale,
                expected.get(output)[i] + tolerance * scale);
      }
    }
  }
}
