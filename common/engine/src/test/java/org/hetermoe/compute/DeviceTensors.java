package org.hetermoe.compute;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/** Tensors of one device, filled from a seed; the same calls give the same contents elsewhere. */
final class DeviceTensors implements AutoCloseable {
  private final Compute compute;
  private final Random random;
  private final List<Tensor> tensors = new ArrayList<>();

  DeviceTensors(Compute compute, long seed) {
    this.compute = compute;
    this.random = new Random(seed);
  }

  Compute compute() {
    return compute;
  }

  /** Normally distributed values. */
  Tensor normal(int... dims) {
    return spread(1, dims);
  }

  Tensor spread(double deviation, int... dims) {
    return filled(value -> value * deviation, dims);
  }

  Tensor positive(int... dims) {
    return filled(value -> Math.abs(value) + 0.1, dims);
  }

  private Tensor filled(DoubleUnaryOperator change, int... dims) {
    float[] values = new float[(int) Shape.of(dims).elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) change.applyAsDouble(random.nextGaussian());
    }
    return floats(values, dims);
  }

  Tensor floats(float[] values, int... dims) {
    Tensor tensor = keep(compute.allocate(DType.F32, Shape.of(dims)));
    compute.write(MemorySegment.ofArray(values), tensor);
    return tensor;
  }

  /** Integers in [from, to). */
  Tensor integers(int from, int to, int... dims) {
    return ints(random.ints(Shape.of(dims).elements(), from, to).toArray(), dims);
  }

  Tensor ints(int[] values, int... dims) {
    Tensor tensor = keep(compute.allocate(DType.I32, Shape.of(dims)));
    compute.write(MemorySegment.ofArray(values), tensor);
    return tensor;
  }

  /** A tensor to be overwritten: NaN everywhere, so that what stays unwritten shows. */
  Tensor output(int... dims) {
    Tensor tensor = keep(compute.allocate(DType.F32, Shape.of(dims)));
    compute.fill(tensor, Float.NaN);
    return tensor;
  }

  Tensor intOutput(int... dims) {
    int[] values = new int[(int) Shape.of(dims).elements()];
    Arrays.fill(values, -1);
    return ints(values, dims);
  }

  private Tensor keep(Tensor tensor) {
    tensors.add(tensor);
    return tensor;
  }

  float[] read(Tensor tensor) {
    float[] values = new float[(int) tensor.shape().elements()];
    if (tensor.dtype() == DType.I32) {
      int[] ints = new int[values.length];
      compute.read(tensor, MemorySegment.ofArray(ints));
      for (int i = 0; i < values.length; i++) {
        values[i] = ints[i];
      }
    } else {
      compute.read(tensor, MemorySegment.ofArray(values));
    }
    return values;
  }

  @Override
  public void close() {
    tensors.forEach(Tensor::close);
  }
}
