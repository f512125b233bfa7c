package org.hetermoe.benchmark.gpu;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.hetermoe.compute.AdamWStep;
import org.hetermoe.compute.AttentionShape;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Groups;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/** Single operations at the sizes of a step. */
final class OperationTimes {
  private static final double GIGA = 1e9;
  private static final double TERA = 1e12;

  private final Compute compute;
  private final Scale scale;
  private final DType type;
  private final Timer timer;
  private final Consumer<Result> results;
  private final Random random = new Random(1);

  OperationTimes(Compute compute, Scale scale, DType type, Timer timer, Consumer<Result> results) {
    this.compute = compute;
    this.scale = scale;
    this.type = type;
    this.timer = timer;
    this.results = results;
  }

  /** Attention forward and backward, causal: half of the square counts. */
  void attention() {
    ModelConfig model = scale.model();
    for (int length : scale.attentionLengths()) {
      AttentionShape shape =
          new AttentionShape(1, length, model.heads(), model.kvHeads(), model.headDim());
      double product = 2.0 * model.heads() * model.headDim() * length * (length + 1) / 2;
      try (Workspace w = new Workspace(compute)) {
        Tensor q = normal(w, type, length, shape.queryWidth());
        Tensor k = normal(w, type, length, shape.kvWidth());
        Tensor v = normal(w, type, length, shape.kvWidth());
        Tensor out = w.tensor(type, length, shape.queryWidth());
        Tensor lse = w.f32(length, shape.heads());
        Tensor dOut = normal(w, type, length, shape.queryWidth());
        Tensor dq = w.tensor(type, length, shape.queryWidth());
        Tensor dk = w.tensor(type, length, shape.kvWidth());
        Tensor dv = w.tensor(type, length, shape.kvWidth());
        Runnable forward = () -> compute.attention(q, k, v, shape, out, lse);
        rate("attention", "forward " + length, 2 * product, forward);
        rate(
            "attention",
            "backward " + length,
            5 * product,
            () -> compute.attentionBackward(q, k, v, out, lse, dOut, shape, dq, dk, dv));
      }
    }
  }

  /** Products of a step beside a large square one. */
  void products() {
    ModelConfig model = scale.model();
    int tokens = scale.length() * scale.sequences();
    linear("large square", scale.product(), scale.product(), scale.product());
    linear("query", tokens, model.hidden(), model.queryWidth());
    linear("head", tokens, model.hidden(), model.vocabulary());
    experts(tokens * model.topK() / model.experts());
  }

  private void linear(String name, int rows, int in, int out) {
    double flops = 2.0 * rows * in * out;
    try (Workspace w = new Workspace(compute)) {
      Tensor x = normal(w, type, rows, in);
      Tensor weight = normal(w, type, out, in);
      Tensor y = normal(w, type, rows, out);
      Tensor dWeight = w.f32(out, in);
      compute.fill(dWeight, 0f);
      rate("product", name + ", weight's gradient", flops, () -> linearWeight(y, x, dWeight));
      rate("product", name, flops, () -> compute.linear(x, weight, y));
    }
  }

  private void linearWeight(Tensor dy, Tensor x, Tensor dWeight) {
    compute.linearBackwardWeight(dy, x, dWeight);
  }

  private void experts(int rowsPerExpert) {
    ModelConfig model = scale.model();
    int[] sizes = IntStream.range(0, model.experts()).map(_ -> rowsPerExpert).toArray();
    Groups groups = Groups.ofSizes(sizes);
    double flops = 2.0 * groups.rows() * model.hidden() * model.expertWidth();
    try (Workspace w = new Workspace(compute)) {
      Tensor x = normal(w, type, groups.rows(), model.hidden());
      Tensor y = normal(w, type, groups.rows(), model.expertWidth());
      List<Tensor> weights = new ArrayList<>();
      for (int expert = 0; expert < model.experts(); expert++) {
        weights.add(normal(w, type, model.expertWidth(), model.hidden()));
      }
      rate("product", "experts", flops, () -> compute.groupedLinear(x, groups, weights, y));
      rate(
          "product",
          "experts, input's gradient",
          flops,
          () -> compute.groupedLinearBackwardInput(y, groups, weights, x, false));
    }
  }

  /** Operations that memory bounds, beside a copy on the device. */
  void memory() {
    int columns = scale.model().hidden();
    int rows = scale.elements() / columns;
    double one = (double) rows * columns * type.bytes();
    try (Workspace w = new Workspace(compute)) {
      Tensor x = normal(w, type, rows, columns);
      Tensor y = normal(w, type, rows, columns);
      Tensor z = normal(w, type, rows, columns);
      bandwidth("copy", 2 * one, () -> compute.copy(x, y));
      bandwidth("add", 3 * one, () -> compute.add(x, y));
      bandwidth("swiglu", 3 * one, () -> compute.swiGlu(x, y, z));
      bandwidth("swiglu backward", 5 * one, () -> compute.swiGluBackward(x, y, z, x, y));
      norm(w, x, y, rows, columns, one);
      rows(w, x, y, rows, columns, one);
    }
    loss();
    optimizer();
  }

  private void norm(Workspace w, Tensor x, Tensor y, int rows, int columns, double one) {
    Tensor weight = normal(w, type, columns);
    Tensor inverseRms = w.f32(rows);
    Tensor dWeight = w.f32(columns);
    Tensor dx = normal(w, type, rows, columns);
    bandwidth("rms norm", 2 * one, () -> compute.rmsNorm(x, weight, 1e-5f, y, inverseRms));
    compute.fill(dWeight, 0f);
    bandwidth(
        "rms norm backward",
        4 * one,
        () -> compute.rmsNormBackward(x, weight, inverseRms, y, dx, dWeight));
  }

  private void rows(Workspace w, Tensor x, Tensor y, int rows, int columns, double one) {
    int headDim = scale.model().headDim();
    int length = Math.min(rows, scale.length());
    Tensor cos = normal(w, DType.F32, length, headDim / 2);
    Tensor sin = normal(w, DType.F32, length, headDim / 2);
    bandwidth("rope", 2 * one, () -> compute.rope(y, cos, sin, headDim));
    Tensor index = ints(w, random.ints(rows, 0, rows).toArray(), rows);
    Tensor scales = normal(w, DType.F32, rows);
    bandwidth("gather with scale", 2 * one, () -> compute.gatherRows(x, index, scales, y));
    int half = rows / 2;
    Tensor residual = normal(w, type, half, columns);
    Tensor combined = normal(w, type, half, columns);
    Tensor source = ints(w, new int[2 * half], half, 2);
    Tensor row = ints(w, random.ints(2L * half, 0, rows).toArray(), half, 2);
    Tensor weights = normal(w, DType.F32, half, 2);
    bandwidth(
        "combine",
        2 * one,
        () -> compute.combine(residual, List.of(x), source, row, weights, combined));
  }

  private void loss() {
    int vocabulary = scale.model().vocabulary();
    int tokens = scale.length();
    double one = (double) tokens * vocabulary * type.bytes();
    try (Workspace w = new Workspace(compute)) {
      Tensor logits = normal(w, type, tokens, vocabulary);
      Tensor targets = ints(w, random.ints(tokens, 0, vocabulary).toArray(), tokens);
      Tensor losses = w.f32(tokens);
      Tensor lse = w.f32(tokens);
      bandwidth("cross entropy", one, () -> compute.crossEntropy(logits, targets, losses, lse));
      bandwidth(
          "cross entropy backward",
          2 * one,
          () -> compute.crossEntropyBackward(logits, targets, lse, 1f, logits));
    }
  }

  private void optimizer() {
    int elements = scale.elements();
    boolean apart = type != DType.F32;
    AdamWStep step = new AdamWStep(1e-4, 0.9, 0.95, 1e-8, 0.1, 1, 0.5, 0.5);
    try (Workspace w = new Workspace(compute)) {
      Tensor master = normal(w, DType.F32, elements);
      Tensor value = apart ? w.tensor(type, elements) : master;
      Tensor gradient = normal(w, DType.F32, elements);
      Tensor m = normal(w, DType.F32, elements);
      Tensor v = w.f32(elements);
      compute.fill(v, 1f);
      // Master and moments are read and written, the gradient read and zeroed.
      double bytes = (double) elements * (8 * Float.BYTES + (apart ? type.bytes() : 0));
      bandwidth("adamw", bytes, () -> compute.adamW(master, value, gradient, m, v, step));
      bandwidth(
          "sum of squares", (double) elements * Float.BYTES, () -> compute.sumOfSquares(master));
    }
  }

  private void rate(String group, String name, double flops, Runnable operation) {
    results.accept(
        Result.of(group, name, type.label(), timer.seconds(operation), flops / TERA, "TFLOP/s"));
  }

  private void bandwidth(String name, double bytes, Runnable operation) {
    results.accept(
        Result.of("memory", name, type.label(), timer.seconds(operation), bytes / GIGA, "GB/s"));
  }

  private Tensor normal(Workspace w, DType dtype, int... extents) {
    Shape shape = Shape.of(extents);
    Tensor tensor = w.own(compute.allocate(dtype, shape));
    float[] block = new float[(int) Math.min(shape.elements(), 1 << 16)];
    for (int i = 0; i < block.length; i++) {
      block[i] = (float) random.nextGaussian();
    }
    try (Tensor values = compute.allocate(DType.F32, Shape.of(block.length))) {
      compute.write(MemorySegment.ofArray(block), values);
      for (long at = 0; at < shape.elements(); at += block.length) {
        Shape part = Shape.of((int) Math.min(block.length, shape.elements() - at));
        compute.convert(values.view(0, part), tensor.view(at, part));
      }
    }
    return tensor;
  }

  private Tensor ints(Workspace w, int[] values, int... extents) {
    Tensor tensor = w.own(compute.allocate(DType.I32, Shape.of(extents)));
    compute.write(MemorySegment.ofArray(values), tensor);
    return tensor;
  }
}
