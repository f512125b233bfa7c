package org.hetermoe.compute;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What does not fit is refused by both devices, before memory is touched. */
class OperandsTest {

  @ParameterizedTest
  @ValueSource(strings = {"reference", "cpu"})
  void shapesThatDoNotFitAreRefused(String device) {
    try (Compute compute = Devices.open(device, 2);
        DeviceTensors d = new DeviceTensors(compute, 1)) {
      Tensor x = d.normal(4, 6);
      Tensor wide = d.normal(4, 7);
      Tensor vector = d.normal(4);
      Tensor ids = d.integers(0, 4, 4);
      Tensor pairs = d.integers(0, 4, 4, 2);
      AttentionShape shape = new AttentionShape(1, 4, 3, 1, 2);
      refused(() -> compute.add(x, wide));
      refused(() -> compute.copy(ids, vector));
      refused(() -> compute.fill(ids, 1f));
      refused(() -> compute.linear(x, wide, x));
      refused(() -> compute.linear(x, x, wide));
      refused(() -> compute.linearBackwardInput(wide, x, x, false));
      refused(() -> compute.linearBackwardWeight(x, x, wide));
      refused(() -> compute.groupedLinear(x, Groups.ofSizes(5), List.of(x), vector));
      refused(() -> compute.groupedLinear(x, Groups.ofSizes(4), List.of(), x));
      refused(() -> compute.embed(x, vector, x));
      refused(() -> compute.embed(x, ids, wide));
      refused(() -> compute.rmsNorm(x, vector, 0f, x, vector));
      refused(() -> compute.rope(x, x, x, 4));
      refused(() -> compute.rope(x, vector, vector, 3));
      refused(() -> compute.attention(x, x, x, shape, x, vector));
      refused(() -> compute.route(x, x, vector, pairs, vector));
      refused(() -> compute.route(x, wide, vector, pairs, d.normal(4, 2)));
      refused(() -> compute.columnSums(x, vector));
      refused(() -> compute.gatherRows(x, ids, null, wide));
      refused(() -> compute.gatherRows(x, vector, null, x));
      refused(() -> compute.combine(x, List.of(wide), pairs, pairs, null, x));
      refused(() -> compute.combine(x, List.of(x), pairs, ids, null, x));
      refused(() -> compute.swiGlu(x, wide, x));
      refused(() -> compute.crossEntropy(x, vector, vector, vector));
      refused(() -> compute.sumOfSquares(ids));
      refused(
          () -> compute.adamW(x, x, wide, x, x, new AdamWStep(0.1, 0.9, 0.9, 1e-8, 0, 1, 1, 1)));
    }
  }

  /** Types are checked like shapes: what is F32 for all types must be, and the rest alike. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F16", "BF16"})
  void typesThatDoNotFitAreRefused(DType type) {
    try (Compute compute = Devices.open("reference", 1);
        DeviceTensors d = new DeviceTensors(compute, 1, type, type)) {
      Tensor x = d.normal(4, 4);
      Tensor single = d.normal(DType.F32, 4, 4);
      Tensor vector = d.normal(DType.F32, 4);
      Tensor small = d.normal(4);
      Tensor ids = d.integers(0, 4, 4);
      Tensor pairs = d.integers(0, 4, 4, 2);
      Tensor weights = d.normal(DType.F32, 4, 2);
      Tensor other = d.normal(type == DType.F16 ? DType.BF16 : DType.F16, 4, 4);
      AttentionShape shape = new AttentionShape(1, 4, 2, 2, 2);
      Tensor lse = d.normal(DType.F32, 4, 2);
      AdamWStep step = new AdamWStep(0.1, 0.9, 0.9, 1e-8, 0, 1, 1, 1);
      Groups groups = Groups.ofSizes(4);
      refused(() -> compute.add(x, single));
      refused(() -> compute.copy(x, single));
      refused(() -> compute.convert(x, ids));
      refused(() -> compute.linear(x, single, x));
      refused(() -> compute.linear(x, x, other));
      refused(() -> compute.linearBackwardInput(x, x, single, false));
      refused(() -> compute.linearBackwardWeight(x, x, x));
      refused(() -> compute.linearBackwardWeight(x, single, single));
      refused(() -> compute.groupedLinear(x, groups, List.of(x), single));
      refused(() -> compute.groupedLinearBackwardWeight(x, x, groups, List.of(x)));
      refused(() -> compute.embed(x, ids, single));
      refused(() -> compute.embedBackward(ids, x, x));
      refused(() -> compute.rmsNorm(x, vector, 0f, x, vector));
      refused(() -> compute.rmsNorm(x, small, 0f, x, small));
      refused(() -> compute.rmsNormBackward(x, small, vector, x, x, small));
      refused(() -> compute.rope(x, d.normal(3, 1), d.normal(3, 1), 2));
      refused(() -> compute.attention(x, x, x, shape, x, d.output(4, 2)));
      refused(() -> compute.attention(x, single, single, shape, x, lse));
      refused(() -> compute.attentionBackward(x, x, x, x, lse, x, shape, single, x, x));
      refused(() -> compute.route(x, single, vector, pairs, weights));
      refused(() -> compute.columnSums(x, vector));
      refused(() -> compute.gatherRows(x, ids, small, x));
      refused(() -> compute.gatherRows(List.of(x, other), ids, ids, null, x));
      refused(() -> compute.combine(x, List.of(x), pairs, pairs, null, single));
      refused(() -> compute.combine(x, List.of(x), pairs, pairs, d.normal(4, 2), x));
      refused(() -> compute.combineBackwardWeights(x, List.of(x), pairs, pairs, d.output(4, 2)));
      refused(() -> compute.swiGlu(x, single, x));
      refused(() -> compute.crossEntropy(x, ids, small, vector));
      refused(() -> compute.crossEntropyBackward(x, ids, vector, 1f, single));
      refused(() -> compute.sumOfSquares(x));
      refused(() -> compute.adamW(x, x, single, single, single, step));
      refused(() -> compute.adamW(single, x, x, single, single, step));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "cpu"})
  void idsOutsideTheirTableAreRefused(String device) {
    try (Compute compute = Devices.open(device, 2);
        DeviceTensors d = new DeviceTensors(compute, 1)) {
      Tensor x = d.normal(4, 6);
      Tensor vector = d.output(4);
      Tensor bad = d.ints(new int[] {0, 1, 6, 0}, 4);
      Tensor badPairs = d.ints(new int[] {0, 0, 0, 0, 0, 4, 0, 0}, 4, 2);
      Tensor pairs = d.ints(new int[8], 4, 2);
      outside(() -> compute.embed(x, bad, d.output(4, 6)));
      outside(() -> compute.embedBackward(bad, d.normal(4, 6), x));
      outside(() -> compute.gatherRows(x, bad, null, d.output(4, 6)));
      outside(() -> compute.combine(x, List.of(x), badPairs, pairs, null, d.output(4, 6)));
      outside(() -> compute.combine(x, List.of(x), pairs, badPairs, null, d.output(4, 6)));
      outside(() -> compute.crossEntropy(x, bad, vector, vector));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "cpu"})
  void closedTensorsAreRefused(String device) {
    try (Compute compute = Devices.open(device, 1)) {
      DeviceTensors d = new DeviceTensors(compute, 1);
      Tensor x = d.normal(4, 6);
      Tensor view = x.rows(1, 2);
      d.close();
      assertThatThrownBy(() -> compute.fill(view, 0f)).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> compute.add(x, x)).isInstanceOf(IllegalStateException.class);
    }
  }

  private static void refused(Runnable operation) {
    assertThatIllegalArgumentException().isThrownBy(operation::run);
  }

  private static void outside(Runnable operation) {
    assertThatThrownBy(operation::run).isInstanceOf(IndexOutOfBoundsException.class);
  }
}
