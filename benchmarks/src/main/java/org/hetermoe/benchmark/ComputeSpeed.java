package org.hetermoe.benchmark;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.hetermoe.compute.AdamWStep;
import org.hetermoe.compute.AttentionShape;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.compute.Groups;
import org.hetermoe.compute.Tensor;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * Times the operations of a device at the sizes of a small model: {@code ComputeSpeed [device]
 * [threads...]}. Prints the best of many calls, since other processes may share the cores.
 */
public final class ComputeSpeed {
  private static final long NANOS_PER_OPERATION = 1_500_000_000L;
  private static final int FEWEST_CALLS = 20;

  private final Compute compute;
  private final Random random = new Random(1);

  private ComputeSpeed(Compute compute) {
    this.compute = compute;
  }

  /** Runs all measurements; see the class. */
  public static void main(String[] args) {
    String device = args.length == 0 ? "cpu" : args[0];
    List<Integer> threads = new ArrayList<>();
    for (int i = 1; i < args.length; i++) {
      threads.add(Integer.valueOf(args[i]));
    }
    for (int count : threads.isEmpty() ? List.of(1, 2) : threads) {
      try (Compute compute = Devices.open(device, count)) {
        System.out.println(compute.description());
        new ComputeSpeed(compute).run();
      }
    }
  }

  private void run() {
    linear(1024, 256, 8);
    linear(1024, 256, 256);
    linear(1024, 256, 512);
    linear(1024, 256, 4096);
    grouped(8, 256, 256, 512);
    grouped(8, 32, 256, 512);
    attention(new AttentionShape(8, 512, 8, 4, 32));
    attention(new AttentionShape(2, 512, 8, 4, 32));
    rowWise(1024, 256);
    loss(1024, 4096);
    elementWise(1024 * 512);
    adamW(15_000_000);
  }

  private void linear(int t, int in, int out) {
    Tensor x = normal(t, in);
    Tensor w = normal(out, in);
    Tensor y = normal(t, out);
    Tensor dw = normal(out, in);
    double flops = 2.0 * t * in * out;
    String size = "[%dx%d]x[%dx%d]".formatted(t, in, out, in);
    rate("linear " + size, flops, () -> compute.linear(x, w, y));
    rate("  backward input", flops, () -> compute.linearBackwardInput(y, w, x, false));
    Tensor x2 = normal(t, in);
    Tensor y2 = normal(t, out);
    rate("  backward weight", flops, () -> compute.linearBackwardWeight(y2, x2, dw));
  }

  private void grouped(int count, int size, int in, int out) {
    int[] sizes = new int[count];
    for (int g = 0; g < count; g++) {
      sizes[g] = size + (g % 2 == 0 ? g : -g);
    }
    Groups groups = Groups.ofSizes(sizes);
    int t = groups.rows();
    Tensor x = normal(t, in);
    Tensor y = normal(t, out);
    List<Tensor> w = new ArrayList<>();
    List<Tensor> dw = new ArrayList<>();
    for (int g = 0; g < count; g++) {
      w.add(normal(out, in));
      dw.add(normal(out, in));
    }
    double flops = 2.0 * t * in * out;
    rate(
        "groupedLinear %d groups of ~%d [%dx%d]".formatted(count, size, out, in),
        flops,
        () -> compute.groupedLinear(x, groups, w, y));
    rate(
        "  backward input",
        flops,
        () -> compute.groupedLinearBackwardInput(y, groups, w, x, false));
    Tensor x2 = normal(t, in);
    Tensor y2 = normal(t, out);
    rate("  backward weight", flops, () -> compute.groupedLinearBackwardWeight(y2, x2, groups, dw));
  }

  private void attention(AttentionShape shape) {
    int t = shape.tokens();
    Tensor q = normal(t, shape.queryWidth());
    Tensor k = normal(t, shape.kvWidth());
    Tensor v = normal(t, shape.kvWidth());
    Tensor out = normal(t, shape.queryWidth());
    Tensor lse = normal(t, shape.heads());
    Tensor dOut = normal(t, shape.queryWidth());
    Tensor dq = normal(t, shape.queryWidth());
    Tensor dk = normal(t, shape.kvWidth());
    Tensor dv = normal(t, shape.kvWidth());
    // the lower triangle only
    double product = 2.0 * shape.sequences() * shape.heads() * shape.headDim();
    product *= shape.length() * (shape.length() + 1) / 2.0;
    rate(shape.toString(), 2 * product, () -> compute.attention(q, k, v, shape, out, lse));
    rate(
        "  backward",
        5 * product,
        () -> compute.attentionBackward(q, k, v, out, lse, dOut, shape, dq, dk, dv));
  }

  private void rowWise(int t, int h) {
    Tensor x = normal(t, h);
    Tensor weight = normal(h);
    Tensor y = normal(t, h);
    Tensor inverse = normal(t);
    Tensor dx = normal(t, h);
    Tensor dWeight = normal(h);
    double bytes = 4.0 * t * h;
    String size = " [%d,%d]".formatted(t, h);
    bandwidth("rmsNorm" + size, 2 * bytes, () -> compute.rmsNorm(x, weight, 1e-5f, y, inverse));
    bandwidth(
        "  backward", 4 * bytes, () -> compute.rmsNormBackward(x, weight, inverse, y, dx, dWeight));
    Tensor cos = normal(512, 16);
    Tensor sin = normal(512, 16);
    bandwidth("rope" + size, 2 * bytes, () -> compute.rope(y, cos, sin, 32));
    Tensor logits = normal(t, 8);
    Tensor p = normal(t, 8);
    Tensor lse = normal(t);
    Tensor experts = compute.allocate(DType.I32, Shape.of(t, 2));
    Tensor weights = normal(t, 2);
    bandwidth(
        "route [%d,8]".formatted(t),
        8.0 * t * 8,
        () -> compute.route(logits, p, lse, experts, weights));
    Tensor dLogits = normal(t, 8);
    Tensor balance = normal(8);
    bandwidth(
        "  backward",
        8.0 * t * 8,
        () -> compute.routeBackward(p, lse, experts, weights, weights, balance, 0f, dLogits));
    int[] rows = random.ints(2L * t, 0, t).toArray();
    int[] zeros = new int[2 * t];
    Tensor row = ints(rows, t, 2);
    Tensor source = ints(zeros, t, 2);
    Tensor gathered = normal(2 * t, h);
    bandwidth("gatherRows" + size, 4 * bytes, () -> compute.gatherRows(x, row, null, gathered));
    List<Tensor> sources = List.of(gathered);
    bandwidth(
        "combine" + size, 4 * bytes, () -> compute.combine(x, sources, source, row, weights, y));
    bandwidth(
        "  backward weights",
        3 * bytes,
        () -> compute.combineBackwardWeights(y, sources, source, row, weights));
    Tensor table = normal(4096, h);
    Tensor ids = ints(random.ints(t, 0, 4096).toArray(), t);
    bandwidth("embedBackward" + size, 3 * bytes, () -> compute.embedBackward(ids, y, table));
  }

  private void loss(int t, int v) {
    Tensor logits = normal(t, v);
    Tensor dLogits = normal(t, v);
    Tensor targets = ints(random.ints(t, 0, v).toArray(), t);
    Tensor losses = normal(t);
    Tensor lse = normal(t);
    double bytes = 4.0 * t * v;
    bandwidth(
        "crossEntropy [%d,%d]".formatted(t, v),
        bytes,
        () -> compute.crossEntropy(logits, targets, losses, lse));
    bandwidth(
        "  backward",
        2 * bytes,
        () -> compute.crossEntropyBackward(logits, targets, lse, 1f, dLogits));
  }

  private void elementWise(int n) {
    Tensor gate = normal(n);
    Tensor up = normal(n);
    Tensor out = normal(n);
    Tensor dGate = normal(n);
    Tensor dUp = normal(n);
    String size = " [%d]".formatted(n);
    bandwidth("swiGlu" + size, 12.0 * n, () -> compute.swiGlu(gate, up, out));
    bandwidth("  backward", 20.0 * n, () -> compute.swiGluBackward(gate, up, out, dGate, dUp));
    bandwidth("add" + size, 12.0 * n, () -> compute.add(gate, out));
  }

  private void adamW(int n) {
    Tensor p = normal(n);
    Tensor g = normal(n);
    Tensor m = normal(n);
    Tensor v = compute.zeros(DType.F32, Shape.of(n));
    AdamWStep step = new AdamWStep(1e-4, 0.9, 0.95, 1e-8, 0.1, 1, 0.5, 0.5);
    bandwidth("adamW [%d]".formatted(n), 32.0 * n, () -> compute.adamW(p, p, g, m, v, step));
    bandwidth("sumOfSquares [%d]".formatted(n), 4.0 * n, () -> compute.sumOfSquares(p));
  }

  private void rate(String name, double flops, Runnable operation) {
    double seconds = best(operation);
    System.out.printf("%-60s %9.1f us %8.1f GFLOP/s%n", name, seconds * 1e6, flops / seconds / 1e9);
  }

  private void bandwidth(String name, double bytes, Runnable operation) {
    double seconds = best(operation);
    System.out.printf("%-60s %9.1f us %8.1f GB/s%n", name, seconds * 1e6, bytes / seconds / 1e9);
  }

  private double best(Runnable operation) {
    long best = Long.MAX_VALUE;
    long begin = System.nanoTime();
    for (int call = 0;
        call < FEWEST_CALLS || System.nanoTime() - begin < NANOS_PER_OPERATION;
        call++) {
      long start = System.nanoTime();
      operation.run();
      compute.synchronize();
      best = Math.min(best, System.nanoTime() - start);
    }
    return best / 1e9;
  }

  private Tensor normal(int... dims) {
    Tensor tensor = compute.allocate(DType.F32, Shape.of(dims));
    float[] values = new float[(int) tensor.shape().elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    compute.write(MemorySegment.ofArray(values), tensor);
    return tensor;
  }

  private Tensor ints(int[] values, int... dims) {
    Tensor tensor = compute.allocate(DType.I32, Shape.of(dims));
    compute.write(MemorySegment.ofArray(values), tensor);
    return tensor;
  }
}
