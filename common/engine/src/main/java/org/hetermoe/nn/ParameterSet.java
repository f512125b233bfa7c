package org.hetermoe.nn;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Holder;
import org.hetermoe.compute.Tensor;
import org.hetermoe.model.ParameterNames;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * Parameters that live together: values, gradients and moments are each one flat tensor, of which
 * the parameters are views, so that gradients can be reduced as a whole. Values have the type that
 * layers compute with; gradients, moments and, where that type has fewer bits, the master weights
 * that AdamW updates are in single precision.
 */
public final class ParameterSet implements AutoCloseable {
  /** Elements to which each parameter is aligned: a cache line of single-precision numbers. */
  private static final int ALIGNMENT = 16;

  /** What gradients, moments and master weights are in. */
  private static final DType EXACT = DType.F32;

  private final Compute compute;
  private final DType type;
  private final Map<String, Parameter> parameters = new LinkedHashMap<>();
  private final Tensor values;
  private final Tensor masters;
  private final Tensor gradients;
  private final Tensor m;
  private final Tensor v;

  /**
   * Parameters of the given names and shapes, all zero.
   *
   * @param type of the values
   */
  public ParameterSet(Compute compute, DType type, Map<String, Shape> shapes) {
    this.compute = compute;
    this.type = type;
    int elements = 0;
    for (Shape shape : shapes.values()) {
      elements = Math.addExact(elements, padded(shape));
    }
    Shape flat = Shape.of(elements);
    values = compute.zeros(Holder.WEIGHTS, type, flat);
    masters = type == EXACT ? values : compute.zeros(Holder.OPTIMIZER_STATE, EXACT, flat);
    gradients = compute.zeros(Holder.GRADIENTS, EXACT, flat);
    m = compute.zeros(Holder.OPTIMIZER_STATE, EXACT, flat);
    v = compute.zeros(Holder.OPTIMIZER_STATE, EXACT, flat);
    int offset = 0;
    for (Map.Entry<String, Shape> entry : shapes.entrySet()) {
      String name = entry.getKey();
      Shape shape = entry.getValue();
      parameters.put(
          name,
          new Parameter(
              name,
              values.view(offset, shape),
              masters.view(offset, shape),
              gradients.view(offset, shape),
              m.view(offset, shape),
              v.view(offset, shape),
              shape.rank() > 1 && !name.equals(ParameterNames.EMBEDDING)));
      offset += padded(shape);
    }
  }

  /** Element type of the values, and so of the activations of the layers they belong to. */
  public DType type() {
    return type;
  }

  /** Writes the values anew from the master weights, where they are apart. */
  public void refreshValues() {
    if (type != EXACT) {
      compute.convert(masters, values);
    }
  }

  private static int padded(Shape shape) {
    return Math.toIntExact((shape.elements() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
  }

  /** Fills values, and moments where the source has them. */
  public void load(WeightSource source) {
    for (Parameter parameter : parameters.values()) {
      Shape shape = parameter.value().shape();
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment first = arena.allocate(parameter.master().bytes(), Float.BYTES);
        source.weight(parameter.name(), shape, first);
        compute.write(first, parameter.master());
        MemorySegment second = arena.allocate(parameter.master().bytes(), Float.BYTES);
        if (source.moments(parameter.name(), shape, first, second)) {
          compute.write(first, parameter.m());
          compute.write(second, parameter.v());
        }
      } catch (IOException e) {
        throw new UncheckedIOException(
            "cannot load " + parameter.name() + ": " + e.getMessage(), e);
      }
    }
    refreshValues();
  }

  /** The parameter with that canonical name. */
  public Parameter get(String name) {
    Parameter parameter = parameters.get(name);
    if (parameter == null) {
      throw new IllegalArgumentException("no parameter " + name + " here");
    }
    return parameter;
  }

  /** Value of a parameter. */
  public Tensor value(String name) {
    return get(name).value();
  }

  /** Gradient of a parameter. */
  public Tensor gradient(String name) {
    return get(name).gradient();
  }

  /** All of them, in the order they were given. */
  public Collection<Parameter> all() {
    return parameters.values();
  }

  /** All of them, in order. */
  public void forEach(Consumer<Parameter> action) {
    parameters.values().forEach(action);
  }

  /** Number of weights, padding left out. */
  public long elements() {
    return parameters.values().stream().mapToLong(each -> each.value().shape().elements()).sum();
  }

  /** All gradients in one vector, padding included (it stays zero). */
  public Tensor gradients() {
    return gradients;
  }

  /**
   * All that a parameter is but its gradient, a vector each, padding included: master weights,
   * first and second moments. Who writes them calls {@link #refreshValues} then.
   */
  public List<Tensor> state() {
    return List.of(masters, m, v);
  }

  /** Sets all gradients to zero. */
  public void clearGradients() {
    compute.fill(gradients, 0f);
  }

  /** Sum of the squares of all gradients: parameter by parameter, in order. */
  public double gradientSquares() {
    double sum = 0;
    for (Parameter parameter : parameters.values()) {
      sum += compute.sumOfSquares(parameter.gradient());
    }
    return sum;
  }

  @Override
  public void close() {
    values.close();
    masters.close();
    gradients.close();
    m.close();
    v.close();
  }

  /** Copies an F32 tensor to the host; for tests, checkpoints and reports. */
  public static MemorySegment download(Compute compute, Tensor tensor, Arena arena) {
    if (tensor.dtype() != EXACT) {
      throw new IllegalArgumentException("not an " + EXACT + " tensor: " + tensor.dtype());
    }
    MemorySegment segment = arena.allocate(Math.max(1, tensor.bytes()), 64);
    MemorySegment exact = segment.asSlice(0, tensor.bytes());
    compute.read(tensor, exact);
    return exact;
  }
}
