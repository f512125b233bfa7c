package org.hetermoe.compute.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.DeviceTensors;
import org.hetermoe.compute.Groups;
import org.hetermoe.compute.OperationCase;
import org.hetermoe.compute.Tensor;
import org.hetermoe.emulator.RequiresEmulatedCuda;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The bits of a result depend on the operands alone (docs/adr/0003-same-numbers.md). */
@RequiresEmulatedCuda
class CudaBitsTest {

  @ParameterizedTest
  @CsvSource({"70,F16", "80,BF16", "90,F32"})
  void anotherRunGivesTheSameBits(int capability, DType type) {
    try (Compute cuda = EmulatedDevices.open(capability)) {
      for (OperationCase operation : OperationCase.all()) {
        if (operation.name().contains("[67") || operation.name().contains("(0, 1, 3")) {
          List<float[]> first = operation.run(cuda, type, type);
          List<float[]> second = operation.run(cuda, type, type);
          for (int output = 0; output < first.size(); output++) {
            assertThat(second.get(output)).as(operation.name()).isEqualTo(first.get(output));
          }
        }
      }
    }
  }

  /** A group's products must not depend on where it lies nor on who its neighbours are. */
  @Test
  void neighboursDoNotShow() {
    int in = 24;
    int out = 40;
    try (Compute cuda = EmulatedDevices.open(80)) {
      for (int size : new int[] {1, 7, 66}) {
        try (DeviceTensors d = new DeviceTensors(cuda, size)) {
          int rows = 3 + size + 50;
          Tensor w = d.normal(out, in);
          Tensor other = d.normal(out, in);
          Tensor x = d.normal(rows, in);
          Tensor dy = d.normal(rows, out);
          Tensor y = d.output(rows, out);
          Tensor dx = d.output(rows, in);
          Tensor dw = d.floats(new float[out * in], out, in);
          Tensor otherGradient = d.floats(new float[out * in], out, in);
          Tensor lastGradient = d.floats(new float[out * in], out, in);
          Groups groups = Groups.ofSizes(3, size, 50);
          List<Tensor> weights = List.of(other, w, other);
          cuda.groupedLinear(x, groups, weights, y);
          cuda.groupedLinearBackwardInput(dy, groups, weights, dx, false);
          cuda.groupedLinearBackwardWeight(dy, x, groups, List.of(otherGradient, dw, lastGradient));

          Tensor yAlone = d.output(size, out);
          Tensor dxAlone = d.output(size, in);
          Tensor dwAlone = d.floats(new float[out * in], out, in);
          cuda.linear(x.rows(3, size), w, yAlone);
          cuda.linearBackwardInput(dy.rows(3, size), w, dxAlone, false);
          cuda.linearBackwardWeight(dy.rows(3, size), x.rows(3, size), dwAlone);
          assertThat(d.read(y.rows(3, size))).isEqualTo(d.read(yAlone));
          assertThat(d.read(dx.rows(3, size))).isEqualTo(d.read(dxAlone));
          assertThat(d.read(dw)).isEqualTo(d.read(dwAlone));
        }
      }
    }
  }
}
