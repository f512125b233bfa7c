package org.hetermoe.compute.cuda;

import static org.assertj.core.api.Assertions.assertThat;

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
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every operation on the GPU that this machine has, whatever it is, against the plain device, twice
 * with the same bits; {@code benchmarks/gpu/run.sh} runs it.
 */
@EnabledIfSystemProperty(
    named = PresentDeviceTest.DEVICE,
    matches = "cuda.*",
    disabledReason = "no GPU was named with -D" + PresentDeviceTest.DEVICE)
class PresentDeviceTest {
  static final String DEVICE = "hetermoe.cuda.device";

  private static Compute cuda;
  private static Compute reference;

  @BeforeAll
  static void open() {
    cuda = Devices.open(System.getProperty(DEVICE), 1);
    reference = Devices.open("reference", 1);
  }

  @AfterAll
  static void close() {
    cuda.close();
    reference.close();
  }

  static Stream<Arguments> cases() {
    return Arrays.stream(DType.values())
        .filter(DType::floating)
        .filter(type -> cuda.refusal(type).isEmpty())
        .flatMap(type -> OperationCase.all().stream().map(each -> Arguments.of(type, each)));
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("cases")
  void agreesWithReferenceAndWithItself(DType type, OperationCase operation) {
    List<float[]> expected = operation.run(reference, type, type);

    List<float[]> actual = operation.run(cuda, type, type);

    assertThat(actual).hasSameSizeAs(expected);
    for (int output = 0; output < expected.size(); output++) {
      CudaParityTest.assertClose(
          actual.get(output),
          expected.get(output),
          CudaParityTest.tolerance(type, operation),
          output);
    }
    List<float[]> again = operation.run(cuda, type, type);
    for (int output = 0; output < expected.size(); output++) {
      assertThat(again.get(output)).isEqualTo(actual.get(output));
    }
    assertThat(cuda.memory().inUseBytes()).isZero();
  }

  @Test
  void saysWhatItIs() {
    assertThat(cuda.description()).contains("compute capability", "driver");
  }
}
