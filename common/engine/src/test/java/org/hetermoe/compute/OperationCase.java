package org.hetermoe.compute;

import static org.hetermoe.tensor.DType.F32;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * One operation at one size, in any storage type. Run on two devices it must give like numbers, run
 * twice on one device the same bits.
 *
 * @param terms how many terms the longest sum has; scales the tolerance
 */
public record OperationCase(String name, int terms, Function<DeviceTensors, List<Tensor>> outputs) {

  /** What it gives in single precision. */
  public List<float[]> run(Compute compute) {
    return run(compute, F32, F32);
  }

  /**
   * What it gives.
   *
   * @param storage type of weights and activations
   * @param frame type of rows on their way between workers
   */
  public List<float[]> run(Compute compute, DType storage, DType frame) {
    try (DeviceTensors tensors = new DeviceTensors(compute, name.hashCode(), storage, frame)) {
      return outputs.apply(tensors).stream().map(tensors::read).toList();
    }
  }

  @Override
  public String toString() {
    return name;
  }

  /** All operations, at awkward sizes. */
  public static List<OperationCase> all() {
    List<OperationCase> cases = new ArrayList<>();
    for (int rows : new int[] {0, 1, 3, 13, 67, 207}) {
      linear(cases, rows, 29, 37);
      rowWise(cases, rows, 5);
      rowWise(cases, rows, 61);
      rope(cases, rows, 3, 6);
      rope(cases, rows, 2, 40);
      route(cases, rows, 8, 2);
      route(cases, rows, 19, 3);
      elementWise(cases, rows * 119);
    }
    linear(cases, 300, 64, 1100);
    linear(cases, 140, 1030, 16);
    linear(cases, 65, 256, 1);
    rowWise(cases, 300, 256);
    rowWise(cases, 3, 4099);
    elementWise(cases, 40_000);
    for (int rows : new int[] {0, 1, 2, 130}) {
      embed(cases, rows, 17, 96);
    }
    grouped(cases, 24, 40, 0, 1, 3, 0, 129, 66, 0);
    grouped(cases, 33, 7, 0, 0);
    grouped(cases, 33, 7);
    attention(cases, new AttentionShape(0, 5, 2, 1, 8));
    attention(cases, new AttentionShape(2, 1, 2, 2, 8));
    attention(cases, new AttentionShape(3, 13, 4, 2, 16));
    attention(cases, new AttentionShape(2, 67, 3, 1, 32));
    attention(cases, new AttentionShape(1, 207, 2, 1, 64));
    attention(cases, new AttentionShape(1, 129, 1, 1, 128));
    attention(cases, new AttentionShape(1, 64, 4, 4, 10));
    return cases;
  }

  private static void linear(List<OperationCase> cases, int t, int in, int out) {
    String size = "[%d,%d]x[%d,%d]".formatted(t, in, out, in);
    add(
        cases,
        "linear " + size,
        in,
        d -> {
          Tensor x = d.normal(t, in);
          Tensor w = d.normal(out, in);
          Tensor y = d.output(t, out);
          Tensor exact = d.output(F32, t, out);
          d.compute().linear(x, w, y);
          d.compute().linear(x, w, exact);
          return List.of(y, exact);
        });
    add(
        cases,
        "linearBackward " + size,
        Math.max(t, out),
        d -> {
          Tensor x = d.normal(t, in);
          Tensor w = d.normal(out, in);
          Tensor dy = d.normal(t, out);
          Tensor dx = d.output(t, in);
          Tensor dxMore = d.normal(t, in);
          Tensor dw = d.normal(F32, out, in);
          d.compute().linearBackwardInput(dy, w, dx, false);
          d.compute().linearBackwardInput(dy, w, dxMore, true);
          d.compute().linearBackwardWeight(dy, x, dw);
          return List.of(dx, dxMore, dw);
        });
  }

  private static void grouped(List<OperationCase> cases, int in, int out, int... sizes) {
    Groups groups = Groups.ofSizes(sizes);
    int rows = groups.rows();
    add(
        cases,
        "groupedLinear " + groups,
        Math.max(rows, out),
        d -> {
          Tensor x = d.normal(rows, in);
          List<Tensor> w = new ArrayList<>();
          List<Tensor> dw = new ArrayList<>();
          for (int g = 0; g < groups.count(); g++) {
            w.add(d.normal(out, in));
            dw.add(d.normal(F32, out, in));
          }
          Tensor y = d.output(rows, out);
          Tensor dx = d.output(rows, in);
          Tensor dxMore = d.normal(rows, in);
          d.compute().groupedLinear(x, groups, w, y);
          d.compute().groupedLinearBackwardInput(y, groups, w, dx, false);
          d.compute().groupedLinearBackwardInput(y, groups, w, dxMore, true);
          d.compute().groupedLinearBackwardWeight(y, x, groups, dw);
          List<Tensor> outputs = new ArrayList<>(List.of(y, dx, dxMore));
          outputs.addAll(dw);
          return outputs;
        });
  }

  private static void embed(List<OperationCase> cases, int t, int vocabulary, int h) {
    add(
        cases,
        "embed [%d] of [%d,%d]".formatted(t, vocabulary, h),
        t,
        d -> {
          Tensor ids = d.integers(0, vocabulary, t);
          Tensor y = d.output(t, h);
          d.compute().embed(d.normal(vocabulary, h), ids, y);
          Tensor dTable = d.normal(F32, vocabulary, h);
          d.compute().embedBackward(ids, d.normal(t, h), dTable);
          return List.of(y, dTable);
        });
  }

  private static void rowWise(List<OperationCase> cases, int t, int h) {
    String size = "[%d,%d]".formatted(t, h);
    add(
        cases,
        "rmsNorm " + size,
        Math.max(t, h),
        d -> {
          Tensor x = d.normal(t, h);
          Tensor weight = d.normal(h);
          Tensor y = d.output(t, h);
          Tensor inverse = d.output(F32, t);
          d.compute().rmsNorm(x, weight, 1e-5f, y, inverse);
          Tensor dx = d.normal(t, h);
          Tensor dWeight = d.normal(F32, h);
          d.compute().rmsNormBackward(x, weight, inverse, d.normal(t, h), dx, dWeight);
          return List.of(y, inverse, dx, dWeight);
        });
    add(
        cases,
        "crossEntropy " + size,
        h,
        d -> {
          Tensor logits = d.spread(4, t, h);
          Tensor targets = d.integers(-1, h, t);
          Tensor losses = d.output(F32, t);
          Tensor lse = d.output(F32, t);
          d.compute().crossEntropy(logits, targets, losses, lse);
          Tensor dLogits = d.output(t, h);
          d.compute().crossEntropyBackward(logits, targets, lse, 0.25f, dLogits);
          d.compute().crossEntropyBackward(logits, targets, lse, 0.5f, logits);
          return List.of(losses, lse, dLogits, logits);
        });
    add(
        cases,
        "columnSums " + size,
        t,
        d -> {
          Tensor sums = d.output(F32, h);
          d.compute().columnSums(d.normal(F32, t, h), sums);
          return List.of(sums);
        });
    add(
        cases,
        "gather and combine " + size,
        h,
        d -> {
          Tensor x = d.normal(t, h);
          int k = 2;
          Tensor rows = d.integers(0, Math.max(1, t), t * k);
          Tensor plain = d.output(d.frame(), t * k, h);
          Tensor scaled = d.output(d.frame(), t * k, h);
          Tensor weights = d.normal(F32, t, k);
          d.compute().gatherRows(x, rows, null, plain);
          d.compute().gatherRows(x, rows, weights, scaled);
          Tensor source = d.integers(0, 2, t, k);
          Tensor row = d.integers(0, Math.max(1, t), t, k);
          List<Tensor> sources = List.of(plain, scaled);
          Tensor y = d.output(t, h);
          Tensor unweighted = d.output(t, h);
          Tensor dWeights = d.output(F32, t, k);
          d.compute().combine(x, sources, source, row, weights, y);
          d.compute().combine(x, sources, source, row, null, unweighted);
          d.compute().combine(x, sources, source, row, weights, x);
          d.compute().combineBackwardWeights(y, sources, source, row, dWeights);
          Tensor from = d.integers(0, 2, t * k);
          Tensor fromRow = d.integers(0, Math.max(1, t), t * k);
          Tensor picked = d.output(t * k, h);
          Tensor pickedScaled = d.output(t * k, h);
          d.compute().gatherRows(sources, from, fromRow, null, picked);
          d.compute().gatherRows(sources, from, fromRow, weights, pickedScaled);
          return List.of(plain, scaled, y, unweighted, x, dWeights, picked, pickedScaled);
        });
  }

  private static void rope(List<OperationCase> cases, int t, int heads, int headDim) {
    add(
        cases,
        "rope [%d,%d*%d]".formatted(t, heads, headDim),
        2,
        d -> {
          Tensor x = d.normal(t, heads * headDim);
          Tensor cos = d.normal(F32, 7, headDim / 2);
          Tensor sin = d.normal(F32, 7, headDim / 2);
          Tensor back = d.normal(t, heads * headDim);
          d.compute().rope(x, cos, sin, headDim);
          d.compute().ropeBackward(back, cos, sin, headDim);
          return List.of(x, back);
        });
  }

  private static void route(List<OperationCase> cases, int t, int e, int k) {
    add(
        cases,
        "route [%d,%d] top %d".formatted(t, e, k),
        e,
        d -> {
          Tensor logits = d.spread(F32, 2, t, e);
          Tensor p = d.output(F32, t, e);
          Tensor lse = d.output(F32, t);
          Tensor experts = d.intOutput(t, k);
          Tensor weights = d.output(F32, t, k);
          d.compute().route(logits, p, lse, experts, weights);
          Tensor dLogits = d.output(F32, t, e);
          Tensor dWeights = d.normal(F32, t, k);
          Tensor balance = d.normal(F32, e);
          d.compute().routeBackward(p, lse, experts, weights, dWeights, balance, 0.01f, dLogits);
          return List.of(p, lse, experts, weights, dLogits);
        });
  }

  private static void elementWise(List<OperationCase> cases, int n) {
    String size = "[%d]".formatted(n);
    add(
        cases,
        "fill, copy, add " + size,
        2,
        d -> {
          Tensor target = d.normal(n);
          d.compute().add(d.normal(n), target);
          Tensor copy = d.output(n);
          d.compute().copy(target, copy);
          Tensor filled = d.output(n);
          d.compute().fill(filled, 3.5f);
          Tensor zeros = d.compute().zeros(d.storage(), Shape.of(n));
          d.compute().add(zeros, filled);
          zeros.close();
          return List.of(target, copy, filled);
        });
    add(
        cases,
        "swiGlu " + size,
        4,
        d -> {
          Tensor gate = d.spread(4, n);
          Tensor up = d.normal(n);
          Tensor out = d.output(n);
          Tensor dOut = d.normal(n);
          Tensor dGate = d.output(n);
          Tensor dUp = d.output(n);
          d.compute().swiGlu(gate, up, out);
          d.compute().swiGluBackward(gate, up, dOut, dGate, dUp);
          d.compute().swiGluBackward(gate, up, dOut, gate, up);
          return List.of(out, dGate, dUp, gate, up);
        });
    add(
        cases,
        "adamW and sumOfSquares " + size,
        4,
        d -> {
          Tensor p = d.normal(F32, n);
          Tensor value = d.storage() == F32 ? p : d.output(n);
          Tensor g = d.normal(F32, n);
          Tensor m = d.normal(F32, n);
          Tensor v = d.positive(F32, n);
          double squares = d.compute().sumOfSquares(g);
          AdamWStep step = new AdamWStep(1e-2, 0.9, 0.95, 1e-8, 0.1, 0.5, 1 - 0.9, 1 - 0.95);
          d.compute().adamW(p, value, g, m, v, step);
          Tensor sum = d.floats(F32, new float[] {(float) squares}, 1);
          return List.of(p, value, g, m, v, sum);
        });
  }

  private static void attention(List<OperationCase> cases, AttentionShape shape) {
    add(
        cases,
        "attention " + shape,
        shape.length(),
        d -> {
          int t = shape.tokens();
          Tensor q = d.normal(t, shape.queryWidth());
          Tensor k = d.normal(t, shape.kvWidth());
          Tensor v = d.normal(t, shape.kvWidth());
          Tensor out = d.output(t, shape.queryWidth());
          Tensor lse = d.output(F32, t, shape.heads());
          d.compute().attention(q, k, v, shape, out, lse);
          Tensor dq = d.output(t, shape.queryWidth());
          Tensor dk = d.output(t, shape.kvWidth());
          Tensor dv = d.output(t, shape.kvWidth());
          Tensor dOut = d.normal(t, shape.queryWidth());
          d.compute().attentionBackward(q, k, v, out, lse, dOut, shape, dq, dk, dv);
          return List.of(out, lse, dq, dk, dv);
        });
  }

  private static void add(
      List<OperationCase> cases,
      String name,
      int terms,
      Function<DeviceTensors, List<Tensor>> outputs) {
    cases.add(new OperationCase(name, terms, outputs));
  }
}
