package org.hetermoe.compute;

import java.util.List;
import org.hetermoe.tensor.DType;

/**
 * The rules of {@link Compute} on the shapes of operands, one method per operation or pair of
 * operations, for every device to apply before it touches memory. Each throws {@link
 * IllegalArgumentException} that names the operand.
 */
public final class Operands {
  private Operands() {}

  /** An F32 tensor of any shape. */
  public static void floats(Tensor x, String name) {
    type(x, DType.F32, name);
  }

  /** A tensor of any floating-point type. */
  public static void floatingPoint(Tensor x, String name) {
    require(x.dtype() != DType.I32, "%s is %s, not of a floating-point type", name, x);
  }

  /** Two tensors of floating-point types, of equal element count. */
  public static void convert(Tensor source, Tensor target) {
    floatingPoint(source, "source");
    floatingPoint(target, "target");
    count(source, target);
  }

  /** Two F32 tensors of equal element count. */
  public static void sameCount(Tensor source, Tensor target) {
    floats(source, "source");
    floats(target, "target");
    count(source, target);
  }

  private static void count(Tensor source, Tensor target) {
    require(
        source.shape().elements() == target.shape().elements(),
        "source %s and target %s differ in size",
        source,
        target);
  }

  /** Copies take either element type, but not one into the other. */
  public static void copy(Tensor source, Tensor target) {
    require(
        source.dtype() == target.dtype() && source.shape().elements() == target.shape().elements(),
        "source %s and target %s differ",
        source,
        target);
  }

  /** x[T,I], w[O,I], y[T,O]; also the gradients in their places. */
  public static void linear(Tensor x, Tensor w, Tensor y) {
    floats(x, "x");
    floats(w, "w");
    floats(y, "y");
    require(x.shape().rows() == y.shape().rows(), "x %s and y %s differ in rows", x, y);
    weight(x, w, y);
  }

  /** x[A,I], y[A,O], w of G tensors [O,I]; also the gradients in their places. */
  public static void groupedLinear(Tensor x, Groups groups, List<Tensor> w, Tensor y) {
    floats(x, "x");
    floats(y, "y");
    rows(x, groups.rows(), "x");
    rows(y, groups.rows(), "y");
    require(w.size() == groups.count(), "%s weights for %s", w.size(), groups);
    for (Tensor weight : w) {
      floats(weight, "w");
      weight(x, weight, y);
    }
  }

  private static void weight(Tensor x, Tensor w, Tensor y) {
    require(
        w.shape().rank() == 2
            && w.shape().elements() > 0
            && w.shape().columns() == x.shape().columns()
            && w.shape().rows() == y.shape().columns(),
        "x %s, w %s and y %s do not fit",
        x,
        w,
        y);
  }

  /** table[V,H], ids I32[T], y[T,H]. */
  public static void embed(Tensor table, Tensor ids, Tensor y) {
    floats(table, "table");
    floats(y, "y");
    elements(ids, DType.I32, y.shape().rows(), "ids");
    columns(y, table.shape().columns(), "y");
  }

  /** x[T,H], weight[H], inverseRms[T]. */
  public static void norm(Tensor x, Tensor weight, Tensor inverseRms) {
    floats(x, "x");
    elements(weight, DType.F32, x.shape().columns(), "weight");
    elements(inverseRms, DType.F32, x.shape().rows(), "inverseRms");
  }

  /** {@code other} has the type and extents of {@code x}. */
  public static void alike(Tensor x, Tensor other, String name) {
    require(
        x.dtype() == other.dtype() && x.shape().equals(other.shape()),
        "%s is %s, not %s",
        name,
        other,
        x);
  }

  /** x[T, heads*headDim], cos and sin [length, headDim/2]. */
  public static void rope(Tensor x, Tensor cos, Tensor sin, int headDim) {
    floats(x, "x");
    floats(cos, "cos");
    require(headDim >= 2 && headDim % 2 == 0, "headDim %s is not even", headDim);
    require(x.shape().columns() % headDim == 0, "x %s is not made of heads of %s", x, headDim);
    columns(cos, headDim / 2, "cos");
    alike(cos, sin, "sin");
    require(
        cos.shape().rows() > 0 || x.shape().rows() == 0,
        "cos %s has no positions for x %s",
        cos,
        x);
  }

  /** q[T,Q], k and v[T,KV], out[T,Q], logSumExp[T,heads]; also the gradients in their places. */
  public static void attention(
      Tensor q, Tensor k, Tensor v, AttentionShape shape, Tensor out, Tensor logSumExp) {
    matrix(q, shape.tokens(), shape.queryWidth(), "q");
    matrix(k, shape.tokens(), shape.kvWidth(), "k");
    alike(k, v, "v");
    alike(q, out, "out");
    matrix(logSumExp, shape.tokens(), shape.heads(), "logSumExp");
  }

  /** logits and probabilities [T,E], logSumExp[T], experts I32[T,K], weights[T,K]. */
  public static void route(
      Tensor logits, Tensor probabilities, Tensor logSumExp, Tensor experts, Tensor weights) {
    floats(logits, "logits");
    alike(logits, probabilities, "probabilities");
    int tokens = logits.shape().rows();
    elements(logSumExp, DType.F32, tokens, "logSumExp");
    floats(weights, "weights");
    rows(weights, tokens, "weights");
    type(experts, DType.I32, "experts");
    require(
        experts.shape().equals(weights.shape()),
        "experts %s and weights %s differ",
        experts,
        weights);
    int k = experts.shape().columns();
    require(
        k >= 1 && k <= logits.shape().columns(),
        "cannot choose %s of the experts of logits %s",
        k,
        logits);
  }

  /** x[T,E], sums[E]. */
  public static void columnSums(Tensor x, Tensor sums) {
    floats(x, "x");
    elements(sums, DType.F32, x.shape().columns(), "sums");
  }

  /** x[T,H], rows I32[A], scale[A] or null, y[A,H]. */
  public static void gatherRows(Tensor x, Tensor rows, Tensor scale, Tensor y) {
    floats(x, "x");
    floats(y, "y");
    elements(rows, DType.I32, y.shape().rows(), "rows");
    if (scale != null) {
      elements(scale, DType.F32, y.shape().rows(), "scale");
    }
    columns(y, x.shape().columns(), "y");
  }

  /** sources of H columns, source and rows I32[A], scale[A] or null, y[A,H]. */
  public static void gatherRows(
      List<Tensor> sources, Tensor source, Tensor rows, Tensor scale, Tensor y) {
    floats(y, "y");
    for (Tensor one : sources) {
      floats(one, "a source");
      columns(one, y.shape().columns(), "a source");
    }
    elements(source, DType.I32, y.shape().rows(), "source");
    elements(rows, DType.I32, y.shape().rows(), "rows");
    if (scale != null) {
      elements(scale, DType.F32, y.shape().rows(), "scale");
    }
  }

  /** residual[T,H], sources of H columns, source and row I32[T,K], weights[T,K] or null. */
  public static void combine(
      Tensor residual, List<Tensor> sources, Tensor source, Tensor row, Tensor weights) {
    floats(residual, "residual");
    for (Tensor one : sources) {
      floats(one, "a source");
      columns(one, residual.shape().columns(), "a source");
    }
    type(source, DType.I32, "source");
    rows(source, residual.shape().rows(), "source");
    alike(source, row, "row");
    if (weights != null) {
      floats(weights, "weights");
      require(
          weights.shape().equals(source.shape()),
          "weights %s and source %s differ",
          weights,
          source);
    }
  }

  /** logits[T,V], targets I32[T], perRow[T]. */
  public static void crossEntropy(Tensor logits, Tensor targets, Tensor perRow) {
    floats(logits, "logits");
    elements(targets, DType.I32, logits.shape().rows(), "targets");
    elements(perRow, DType.F32, logits.shape().rows(), "a value per row");
  }

  /** {@code x} has the given type and number of elements. */
  public static void elements(Tensor x, DType dtype, int count, String name) {
    type(x, dtype, name);
    require(x.shape().elements() == count, "%s is %s, it needs %s elements", name, x, count);
  }

  /**
   * Fails unless an id read from a tensor lies below a bound.
   *
   * @throws IndexOutOfBoundsException if it does not
   */
  public static int index(int id, int bound, String name) {
    if (id < 0 || id >= bound) {
      throw new IndexOutOfBoundsException(name + " " + id + " is not below " + bound);
    }
    return id;
  }

  private static void matrix(Tensor x, int rows, int columns, String name) {
    floats(x, name);
    rows(x, rows, name);
    columns(x, columns, name);
  }

  private static void rows(Tensor x, int rows, String name) {
    require(x.shape().rows() == rows, "%s is %s, it needs %s rows", name, x, rows);
  }

  private static void columns(Tensor x, int columns, String name) {
    require(x.shape().columns() == columns, "%s is %s, it needs %s columns", name, x, columns);
  }

  private static void type(Tensor x, DType dtype, String name) {
    require(x.dtype() == dtype, "%s is %s, it must be %s", name, x, dtype);
  }

  @SuppressWarnings("AnnotateFormatMethod") // its annotation would be a run-time dependency
  private static void require(boolean fits, String format, Object... values) {
    if (!fits) {
      throw new IllegalArgumentException(String.format(format, values));
    }
  }
}
