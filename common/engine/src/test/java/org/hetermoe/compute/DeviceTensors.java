package org.hetermoe.compute;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * Tensors of one device, filled from a seed; the same calls give the same contents elsewhere, but
 * for what rounding to the storage type takes from them. Where a type is not given it is the
 * storage type of weights and activations.
 */
public final class DeviceTensors implements AutoCloseable {
  private final Compute compute;
  private final DType storage;
  private final DType frame;
  private final Random random;
  private final List<Tensor> tensors = new ArrayList<>();

  /** In single precision. */
  public DeviceTensors(Compute compute, long seed) {
    this(compute, seed, DType.F32, DType.F32);
  }

  /**
   * Of given types.
   *
   * @param storage of weights and activations
   * @param frame of rows on their way between workers
   */
  public DeviceTensors(Compute compute, long seed, DType storage, DType frame) {
    this.compute = compute;
    this.random = new Random(seed);
    this.storage = storage;
    this.frame = frame;
  }

  /** Of weights and activations. */
  public DType storage() {
    return storage;
  }

  /** Of rows on their way between workers. */
  public DType frame() {
    return frame;
  }

  /** The device. */
  public Compute compute() {
    return compute;
  }

  /** Normally distributed values. */
  public Tensor normal(int... dims) {
    return normal(storage, dims);
  }

  /** Normally distributed values, of a type. */
  public Tensor normal(DType type, int... dims) {
    return spread(type, 1, dims);
  }

  /** Normally distributed values of a standard deviation. */
  public Tensor spread(double deviation, int... dims) {
    return spread(storage, deviation, dims);
  }

  /** Normally distributed values of a standard deviation, of a type. */
  public Tensor spread(DType type, double deviation, int... dims) {
    return filled(type, value -> value * deviation, dims);
  }

  /** Values above zero, of a type. */
  public Tensor positive(DType type, int... dims) {
    return filled(type, value -> Math.abs(value) + 0.1, dims);
  }

  private Tensor filled(DType type, DoubleUnaryOperator change, int... dims) {
    float[] values = new float[(int) Shape.of(dims).elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) change.applyAsDouble(random.nextGaussian());
    }
    return floats(type, values, dims);
  }

  /** Given values. */
  public Tensor floats(float[] values, int... dims) {
    return floats(storage, values, dims);
  }

  /** Given values, rounded to a type. */
  public Tensor floats(DType type, float[] values, int... dims) {
    Tensor exact = keep(compute.allocate(DType.F32, Shape.of(dims)));
    compute.write(MemorySegment.ofArray(values), exact);
    if (type == DType.F32) {
      return exact;
    }
    Tensor rounded = keep(compute.allocate(type, Shape.of(dims)));
    compute.convert(exact, rounded);
    return rounded;
  }

  /** Integers in [from, to). */
  public Tensor integers(int from, int to, int... dims) {
    return ints(random.ints(Shape.of(dims).elements(), from, to).toArray(), dims);
  }

  /** Given integers. */
  public Tensor ints(int[] values, int... dims) {
    Tensor tensor = keep(compute.allocate(DType.I32, Shape.of(dims)));
    compute.write(MemorySegment.ofArray(values), tensor);
    return tensor;
  }

  /** A tensor to be overwritten: NaN everywhere, so that what stays unwritten shows. */
  public Tensor output(int... dims) {
    return output(storage, dims);
  }

  /** A tensor of a type, to be overwritten: NaN everywhere. */
  public Tensor output(DType type, int... dims) {
    Tensor tensor = keep(compute.allocate(type, Shape.of(dims)));
    compute.fill(tensor, Float.NaN);
    return tensor;
  }

  /** Integers to be overwritten: -1 everywhere. */
  public Tensor intOutput(int... dims) {
    int[] values = new int[(int) Shape.of(dims).elements()];
    Arrays.fill(values, -1);
    return ints(values, dims);
  }

  private Tensor keep(Tensor tensor) {
    tensors.add(tensor);
    return tensor;
  }

  /** The elements, whatever their type. */
  public float[] read(Tensor tensor) {
    float[] values = new float[(int) tensor.shape().elements()];
    if (tensor.dtype() == DType.I32) {
      int[] ints = new int[values.length];
      compute.read(tensor, MemorySegment.ofArray(ints));
      for (int i = 0; i < values.length; i++) {
        values[i] = ints[i];
      }
    } else if (tensor.dtype() == DType.F32) {
      compute.read(tensor, MemorySegment.ofArray(values));
    } else {
      try (Tensor exact = compute.allocate(DType.F32, tensor.shape())) {
        compute.convert(tensor, exact);
        compute.read(exact, MemorySegment.ofArray(values));
      }
    }
    return values;
  }

  @Override
  public void close() {
    tensors.forEach(Tensor::close);
  }
}
