package org.hetermoe.compute;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Every backward of the reference device against finite differences of its forward: the derivative
 * of {@code sum(output * seed)} with respect to every element of every input.
 */
class GradientTest {
  private static final float STEP = 0x1p-7f;

  private static Compute compute;

  @BeforeAll
  static void open() {
    compute = Devices.open("reference", 1);
  }

  @AfterAll
  static void close() {
    compute.close();
  }

  @Test
  void linear() {
    try (DeviceTensors d = new DeviceTensors(compute, 1)) {
      Tensor x = d.normal(5, 4);
      Tensor w = d.normal(3, 4);
      Tensor y = d.output(5, 3);
      Tensor dy = d.normal(5, 3);
      Tensor dx = d.output(5, 4);
      Tensor dw = zeros(d, 3, 4);
      compute.linearBackwardInput(dy, w, dx, false);
      compute.linearBackwardWeight(dy, x, dw);
      Runnable forward = () -> compute.linear(x, w, y);
      check(d, forward, y, dy, x, dx);
      check(d, forward, y, dy, w, dw);
    }
  }

  @Test
  void groupedLinear() {
    try (DeviceTensors d = new DeviceTensors(compute, 2)) {
      Groups groups = Groups.ofSizes(2, 0, 3);
      Tensor x = d.normal(5, 4);
      List<Tensor> w = List.of(d.normal(3, 4), d.normal(3, 4), d.normal(3, 4));
      List<Tensor> dw = List.of(zeros(d, 3, 4), zeros(d, 3, 4), zeros(d, 3, 4));
      Tensor y = d.output(5, 3);
      Tensor dy = d.normal(5, 3);
      Tensor dx = d.output(5, 4);
      compute.groupedLinearBackwardInput(dy, groups, w, dx, false);
      compute.groupedLinearBackwardWeight(dy, x, groups, dw);
      Runnable forward = () -> compute.groupedLinear(x, groups, w, y);
      check(d, forward, y, dy, x, dx);
      for (int g = 0; g < 3; g++) {
        check(d, forward, y, dy, w.get(g), dw.get(g));
      }
    }
  }

  @Test
  void embed() {
    try (DeviceTensors d = new DeviceTensors(compute, 3)) {
      Tensor table = d.normal(4, 3);
      Tensor ids = d.ints(new int[] {1, 3, 1, 0, 1}, 5);
      Tensor y = d.output(5, 3);
      Tensor dy = d.normal(5, 3);
      Tensor dTable = zeros(d, 4, 3);
      compute.embedBackward(ids, dy, dTable);
      check(d, () -> compute.embed(table, ids, y), y, dy, table, dTable);
    }
  }

  @Test
  void rmsNorm() {
    try (DeviceTensors d = new DeviceTensors(compute, 4)) {
      Tensor x = d.normal(3, 6);
      Tensor weight = d.normal(6);
      Tensor y = d.output(3, 6);
      Tensor inverse = d.output(3);
      Tensor dy = d.normal(3, 6);
      Tensor dx = zeros(d, 3, 6);
      Tensor dWeight = zeros(d, 6);
      Runnable forward = () -> compute.rmsNorm(x, weight, 1e-5f, y, inverse);
      forward.run();
      compute.rmsNormBackward(x, weight, inverse, dy, dx, dWeight);
      check(d, forward, y, dy, x, dx);
      check(d, forward, y, dy, weight, dWeight);
    }
  }

  @Test
  void rope() {
    try (DeviceTensors d = new DeviceTensors(compute, 5)) {
      Tensor x = d.normal(5, 8);
      Tensor y = d.output(5, 8);
      Tensor cos = d.normal(3, 2);
      Tensor sin = d.normal(3, 2);
      Tensor dy = d.normal(5, 8);
      Tensor dx = d.output(5, 8);
      compute.copy(dy, dx);
      compute.ropeBackward(dx, cos, sin, 4);
      Runnable forward =
          () -> {
            compute.copy(x, y);
            compute.rope(y, cos, sin, 4);
          };
      check(d, forward, y, dy, x, dx);
    }
  }

  @Test
  void attention() {
    try (DeviceTensors d = new DeviceTensors(compute, 6)) {
      AttentionShape shape = new AttentionShape(2, 5, 4, 2, 4);
      Tensor q = d.normal(10, 16);
      Tensor k = d.normal(10, 8);
      Tensor v = d.normal(10, 8);
      Tensor out = d.output(10, 16);
      Tensor lse = d.output(10, 4);
      Tensor dOut = d.normal(10, 16);
      Tensor dq = d.output(10, 16);
      Tensor dk = d.output(10, 8);
      Tensor dv = d.output(10, 8);
      Runnable forward = () -> compute.attention(q, k, v, shape, out, lse);
      forward.run();
      compute.attentionBackward(q, k, v, out, lse, dOut, shape, dq, dk, dv);
      check(d, forward, out, dOut, q, dq);
      check(d, forward, out, dOut, k, dk);
      check(d, forward, out, dOut, v, dv);
    }
  }

  @Test
  void route() {
    try (DeviceTensors d = new DeviceTensors(compute, 7)) {
      Tensor logits = d.spread(3, 4, 5); // far enough apart that a step changes no choice
      Tensor p = d.output(4, 5);
      Tensor lse = d.output(4);
      Tensor experts = d.intOutput(4, 2);
      Tensor weights = d.output(4, 2);
      Tensor dWeights = d.normal(4, 2);
      Tensor balance = d.normal(5);
      Tensor dLogits = d.output(4, 5);
      float zScale = 0.125f;
      Runnable forward = () -> compute.route(logits, p, lse, experts, weights);
      forward.run();
      compute.routeBackward(p, lse, experts, weights, dWeights, balance, zScale, dLogits);
      Function<DeviceTensors, Double> loss =
          tensors -> {
            double sum = dot(tensors.read(weights), tensors.read(dWeights));
            for (float value : tensors.read(lse)) {
              sum += zScale * (double) value * value;
            }
            float[] probabilities = tensors.read(p);
            float[] coefficients = tensors.read(balance);
            for (int i = 0; i < probabilities.length; i++) {
              sum += (double) probabilities[i] * coefficients[i % coefficients.length];
            }
            return sum;
          };
      check(d, forward, loss, logits, dLogits);
    }
  }

  @Test
  void combine() {
    try (DeviceTensors d = new DeviceTensors(compute, 8)) {
      Tensor residual = d.normal(3, 4);
      List<Tensor> sources = List.of(d.normal(2, 4), d.normal(4, 4));
      Tensor source = d.ints(new int[] {0, 1, 1, 1, 0, 0}, 3, 2);
      Tensor row = d.ints(new int[] {0, 3, 1, 0, 1, 0}, 3, 2);
      Tensor weights = d.normal(3, 2);
      Tensor y = d.output(3, 4);
      Tensor dy = d.normal(3, 4);
      Tensor dWeights = d.output(3, 2);
      compute.combineBackwardWeights(dy, sources, source, row, dWeights);
      check(
          d,
          () -> compute.combine(residual, sources, source, row, weights, y),
          y,
          dy,
          weights,
          dWeights);
    }
  }

  @Test
  void swiGlu() {
    try (DeviceTensors d = new DeviceTensors(compute, 9)) {
      Tensor gate = d.normal(17);
      Tensor up = d.normal(17);
      Tensor out = d.output(17);
      Tensor dOut = d.normal(17);
      Tensor dGate = d.output(17);
      Tensor dUp = d.output(17);
      compute.swiGluBackward(gate, up, dOut, dGate, dUp);
      Runnable forward = () -> compute.swiGlu(gate, up, out);
      check(d, forward, out, dOut, gate, dGate);
      check(d, forward, out, dOut, up, dUp);
    }
  }

  @Test
  void crossEntropy() {
    try (DeviceTensors d = new DeviceTensors(compute, 10)) {
      Tensor logits = d.normal(4, 6);
      Tensor targets = d.ints(new int[] {5, 0, -1, 2}, 4);
      Tensor losses = d.output(4);
      Tensor lse = d.output(4);
      Tensor dLogits = d.output(4, 6);
      Runnable forward = () -> compute.crossEntropy(logits, targets, losses, lse);
      forward.run();
      compute.crossEntropyBackward(logits, targets, lse, 0.5f, dLogits);
      Tensor seed = d.floats(new float[] {0.5f, 0.5f, 0.5f, 0.5f}, 4);
      check(d, forward, losses, seed, logits, dLogits);
    }
  }

  private static Tensor zeros(DeviceTensors d, int... dims) {
    Tensor zeros = d.output(dims);
    compute.fill(zeros, 0f);
    return zeros;
  }

  private static void check(
      DeviceTensors d,
      Runnable forward,
      Tensor output,
      Tensor seed,
      Tensor input,
      Tensor gradient) {
    check(d, forward, tensors -> dot(tensors.read(output), tensors.read(seed)), input, gradient);
  }

  /** Central differences of fourth order: the forward is in single precision, so steps are wide. */
  private static void check(
      DeviceTensors d,
      Runnable forward,
      Function<DeviceTensors, Double> loss,
      Tensor input,
      Tensor gradient) {
    float[] values = d.read(input);
    float[] gradients = d.read(gradient);
    Consumer<float[]> write =
        changed -> compute.copy(d.floats(changed, input.shape().toArray()), input);
    for (int i = 0; i < values.length; i++) {
      List<Double> losses = new ArrayList<>();
      for (int steps : new int[] {-2, -1, 1, 2}) {
        float[] changed = values.clone();
        changed[i] += steps * STEP;
        write.accept(changed);
        forward.run();
        losses.add(loss.apply(d));
      }
      double slope =
          (losses.get(0) - 8 * losses.get(1) + 8 * losses.get(2) - losses.get(3)) / (12 * STEP);
      assertThat((double) gradients[i])
          .as("element %d", i)
          .isBetween(slope - 4e-4 * (1 + Math.abs(slope)), slope + 4e-4 * (1 + Math.abs(slope)));
    }
    write.accept(values);
    forward.run();
  }

  private static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }
}
