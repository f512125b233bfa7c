package org.hetermoe.compute;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/** Allocates tensors that live equally long, and closes them together. */
public final class Workspace implements AutoCloseable {
  private final Compute compute;
  private final Holder holder;
  private final List<Tensor> tensors = new ArrayList<>();

  /** For what one task needs while it runs. */
  public Workspace(Compute compute) {
    this(compute, Holder.WORKSPACE);
  }

  /** For tensors that are held for something. */
  public Workspace(Compute compute, Holder holder) {
    this.compute = compute;
    this.holder = holder;
  }

  /** A tensor with undefined contents. */
  public Tensor tensor(DType dtype, int... dims) {
    return own(compute.allocate(holder, dtype, Shape.of(dims)));
  }

  /** A tensor of zeros. */
  public Tensor zeros(DType dtype, int... dims) {
    return own(compute.zeros(holder, dtype, Shape.of(dims)));
  }

  /**
   * An F32 tensor with undefined contents: for statistics of rows, which are in single precision
   * whatever the type of the rows.
   */
  public Tensor f32(int... dims) {
    return tensor(DType.F32, dims);
  }

  /** An I32 tensor with undefined contents. */
  public Tensor i32(int... dims) {
    return tensor(DType.I32, dims);
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

  /** The elements of a tensor in single precision: itself, or a copy converted. */
  public Tensor asF32(Tensor source) {
    if (source.dtype() == DType.F32) {
      return source;
    }
    Tensor converted = f32(source.shape().toArray());
    compute.convert(source, converted);
    return converted;
  }

  /** Takes a tensor over. */
  public Tensor own(Tensor tensor) {
    tensors.add(tensor);
    return tensor;
  }

  /** Gives a tensor away; whoever asked closes it. */
  public Tensor disown(Tensor tensor) {
    if (!tensors.remove(tensor)) {
      throw new IllegalArgumentException("not a tensor of this workspace: " + tensor);
    }
    return tensor;
  }

  /** Closes all tensors but some. */
  public void closeAllBut(Tensor... kept) {
    List<Tensor> stay = List.of(kept);
    tensors.removeIf(
        tensor -> {
          boolean stays = stay.contains(tensor);
          if (!stays) {
            tensor.close();
          }
          return !stays;
        });
  }

  @Override
  public void close() {
    tensors.forEach(Tensor::close);
    tensors.clear();
  }
}
