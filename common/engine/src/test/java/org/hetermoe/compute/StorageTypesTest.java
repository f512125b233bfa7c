package org.hetermoe.compute;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.hetermoe.compute.cpu.PlainBf16;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** In 16 bits an operation is the one in single precision, on rounded operands, rounded once. */
class StorageTypesTest {
  private static Compute reference;
  private static Compute processor;

  @BeforeAll
  static void open() {
    reference = Devices.open("reference", 1);
    processor = PlainBf16.open(2);
  }

  @AfterAll
  static void close() {
    reference.close();
    processor.close();
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

    assertSame(actual, expected);
  }

  /** But for products, whose sums are cut otherwise than those of single precision. */
  static Stream<Arguments> casesOfTheProcessor() {
    return OperationCase.all().stream()
        .filter(operation -> !operation.name().toLowerCase(Locale.ROOT).contains("linear"))
        .flatMap(
            operation ->
                Stream.of(
                    Arguments.of(operation, DType.BF16, DType.BF16),
                    Arguments.of(operation, DType.BF16, DType.F16),
                    Arguments.of(operation, DType.F32, DType.BF16)));
  }

  @ParameterizedTest
  @MethodSource("casesOfTheProcessor")
  void processorRoundsOnce(OperationCase operation, DType storage, DType frame) {
    List<float[]> expected = operation.run(RoundedTwin.of(processor), storage, frame);
    List<float[]> actual = operation.run(processor, storage, frame);

    assertSame(actual, expected);
  }

  private static void assertSame(List<float[]> actual, List<float[]> expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int output = 0; output < expected.size(); output++) {
      assertThat(actual.get(output)).as("output %d", output).isEqualTo(expected.get(output));
    }
  }
}
