package org.hetermoe.compute;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/** Allocates tensors that live equally long, and closes them together. */
public final class Workspace implements AutoCloseable {
  private final Compute compute;
  private final List<Tensor> tensors = new ArrayList<>();

  public Workspace(Compute compute) {
    this.compute = compute;
  }

  /** An F32 tensor with undefined contents. */
  public Tensor f32(int... dims) {
    return own(compute.allocate(DType.F32, Shape.of(dims)));
  }

  /** An F32 tensor of zeros. */
  public Tensor zeros(int... dims) {
    return own(compute.zeros(Shape.of(dims)));
  }

  /** An I32 tensor with undefined contents. */
  public Tensor i32(int... dims) {
    return own(compute.allocate(DType.I32, Shape.of(dims)));
  }

  /** An I32 tensor with the given elements. */
  public Tensor ints(int[] values, int... dims) {
    Tensor tensor = i32(dims);
    compute.write(MemorySegment.ofArray(values), tensor);
    return tensor;
  }

  /** An F32 tensor with the given elements. */
  public Tensor floats(float[] values, int... dims) {
    Tensor tensor = f32(dims);
    compute.write(MemorySegment.ofArray(values), tensor);
    return tensor;
  }

  /** Takes a tensor over. */
  public Tensor own(Tensor tensor) {
    tensors.add(tensor);
    return tensor;
  }

  @Override
  public void close() {
    tensors.forEach(Tensor::close);
    tensors.clear();
  }
}
