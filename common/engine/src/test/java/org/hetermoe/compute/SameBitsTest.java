package org.hetermoe.compute;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The bits of a result depend on the operands alone (docs/adr/0003-same-numbers.md). */
class SameBitsTest {
  private static Compute one;
  private static Compute two;
  private static Compute three;
  private static String warm;

  @BeforeAll
  static void open() {
    one = Devices.open("cpu", 1);
    two = Devices.open("cpu", 2);
    three = Devices.open("cpu", 3);
    warm = bitsWhenWarm();
  }

  @AfterAll
  static void close() {
    one.close();
    two.close();
    three.close();
  }

  static List<OperationCase> cases() {
    return OperationCase.all();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void threadsDoNotShow(OperationCase operation) {
    List<float[]> expected = operation.run(one);
    assertSameBits(operation.run(two), expected);
    assertSameBits(operation.run(three), expected);
  }

  /** The interpreter, the first compiler and the second one must round alike. */
  @ParameterizedTest
  @ValueSource(strings = {"-Xint", "-XX:TieredStopAtLevel=1"})
  void warmthDoesNotShow(String mode) throws IOException, InterruptedException {
    assertThat(BitsPrinter.cases()).hasSize(13);
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                mode,
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                BitsPrinter.class.getName())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String cold = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    assertThat(cold).isEqualTo(warm);
  }

  private static String bitsWhenWarm() {
    StringBuilder warm = new StringBuilder();
    for (OperationCase operation : BitsPrinter.cases()) {
      for (int run = 0; run < 1_000; run++) {
        operation.run(one);
      }
      warm.append(BitsPrinter.line(operation, one)).append('\n');
    }
    return warm.toString();
  }

  /** A group's products must not depend on where it lies nor on who its neighbours are. */
  @Test
  void neighboursDoNotShow() {
    int in = 24;
    int out = 40;
    for (int size : new int[] {1, 7, 66, 129, 300}) {
      try (DeviceTensors d = new DeviceTensors(two, size)) {
        Tensor w = d.normal(out, in);
        Tensor other = d.normal(out, in);
        Tensor x = d.normal(3 + size + 150, in);
        Tensor dy = d.normal(3 + size + 150, out);
        Tensor y = d.output(3 + size + 150, out);
        Tensor dx = d.output(3 + size + 150, in);
        Tensor dw = d.compute().zeros(DType.F32, w.shape());
        Tensor dwOther = d.compute().zeros(DType.F32, w.shape());
        Groups groups = Groups.ofSizes(3, size, 150);
        two.groupedLinear(x, groups, List.of(other, w, other), y);
        two.groupedLinearBackwardInput(dy, groups, List.of(other, w, other), dx, false);
        two.groupedLinearBackwardWeight(dy, x, groups, List.of(dwOther, dw, dwOther));

        Tensor yAlone = d.output(size, out);
        Tensor dxAlone = d.output(size, in);
        Tensor dwAlone = d.compute().zeros(DType.F32, w.shape());
        Tensor xAlone = d.floats(d.read(x.rows(3, size)), size, in);
        Tensor dyAlone = d.floats(d.read(dy.rows(3, size)), size, out);
        two.linear(xAlone, w, yAlone);
        two.linearBackwardInput(dyAlone, w, dxAlone, false);
        two.linearBackwardWeight(dyAlone, xAlone, dwAlone);
        assertSameBits(
            List.of(d.read(y.rows(3, size)), d.read(dx.rows(3, size)), d.read(dw)),
            List.of(d.read(yAlone), d.read(dxAlone), d.read(dwAlone)));
        dw.close();
        dwOther.close();
        dwAlone.close();
      }
    }
  }

  private static void assertSameBits(List<float[]> actual, List<float[]> expected) {
    for (int output = 0; output < expected.size(); output++) {
      for (int i = 0; i < expected.get(output).length; i++) {
        int bits = Float.floatToRawIntBits(actual.get(output)[i]);
        int wanted = Float.floatToRawIntBits(expected.get(output)[i]);
        if (bits != wanted) { // a fluent assertion per element would take minutes
          assertThat(actual.get(output)[i])
              .as("output %d, element %d, bits %x and %x", output, i, bits, wanted)
              .isEqualTo(expected.get(output)[i]);
          assertThat(bits).isEqualTo(wanted);
        }
      }
    }
  }
}
