package org.hetermoe.compute;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** In 16 bits an operation is the one in single precision, on rounded operands, rounded once. */
class StorageTypesTest {
  private static Compute reference;

  @BeforeAll
  static void open() {
    reference = Devices.open("reference", 1);
  }

  @AfterAll
  static void close() {
    reference.close();
  }

  static Stream<Arguments> cases() {
    return OperationCase.all().stream()
        .flatMap(
            operation ->
                Stream.of(
                    Arguments.of(operation, DType.BF16, DType.F32),
                    Arguments.of(operation, DType.F16, DType.BF16)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void referenceRoundsOnce(OperationCase operation, DType storage, DType frame) {
    List<float[]> expected = operation.run(RoundedTwin.of(reference), storage, frame);
    List<float[]> actual = operation.run(reference, storage, frame);

    assertThat(actual).hasSameSizeAs(expected);
    for (int output = 0; output < expected.size(); output++) {
      assertThat(actual.get(output)).as("output %d", output).isEqualTo(expected.get(output));
    }
  }
}
