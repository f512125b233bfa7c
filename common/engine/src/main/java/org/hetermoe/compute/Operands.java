package org.hetermoe.compute;

import java.util.List;
import org.hetermoe.tensor.DType;

/**
 * The rules of {@link Compute} on the shapes and types of operands, one method per operation or
 * pair of operations, for every device to apply before it touches memory. Each throws {@link
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

  /** Two tensors of one floating-point type and of equal element count. */
  public static void add(Tensor source, Tensor target) {
    floatingPoint(source, "source");
    ofTypeOf(source, target, "target");
    count(source, target);
  }

  /** Gate and up, and what has their type and element count. */
  public static void swiGlu(Tensor gate, Tensor up, Tensor... others) {
    add(gate, up);
    for (Tensor other : others) {
      add(gate, other);
    }
  }

  /** F32 of equal element counts, but for the type of the value. */
  public static void adamW(Tensor master, Tensor value, Tensor gradient, Tensor m, Tensor v) {
    floats(master, "master");
    floatingPoint(value, "value");
    count(master, value);
    add(master, gradient);
    add(master, m);
    add(master, v);
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

  /** x[T,I] and w[O,I] of one type, y[T,O] of that or F32. */
  public static void linear(Tensor x, Tensor w, Tensor y) {
    floatingPoint(x, "x");
    ofTypeOf(x, w, "w");
    require(
        y.dtype() == x.dtype() || y.dtype() == DType.F32,
        "y is %s, it must be like %s or F32",
        y,
        x);
    rows(x, y);
    weight(x, w, y);
  }

  /** dy[T,O], w[O,I], dx[T,I] of one type. */
  public static void linearBackwardInput(Tensor dy, Tensor w, Tensor dx) {
    floatingPoint(dy, "dy");
    ofTypeOf(dy, w, "w");
    ofTypeOf(dy, dx, "dx");
    rows(dx, dy);
    weight(dx, w, dy);
  }

  /** dy[T,O] and x[T,I] of one type, dw F32[O,I]. */
  public static void linearBackwardWeight(Tensor dy, Tensor x, Tensor dw) {
    floatingPoint(dy, "dy");
    ofTypeOf(dy, x, "x");
    floats(dw, "dw");
    rows(x, dy);
    weight(x, dw, dy);
  }

  /** x[A,I], y[A,O], w of G tensors [O,I], all of one type. */
  public static void groupedLinear(Tensor x, Groups groups, List<Tensor> w, Tensor y) {
    grouped(x, groups, w, y);
    for (Tensor weight : w) {
      ofTypeOf(x, weight, "w");
      weight(x, weight, y);
    }
  }

  /** dy[A,O], w of G tensors [O,I], dx[A,I], all of one type. */
  public static void groupedLinearBackwardInput(
      Tensor dy, Groups groups, List<Tensor> w, Tensor dx) {
    groupedLinear(dx, groups, w, dy);
  }

  /** dy[A,O] and x[A,I] of one type, dw of G tensors F32[O,I]. */
  public static void groupedLinearBackwardWeight(
      Tensor dy, Tensor x, Groups groups, List<Tensor> dw) {
    grouped(x, groups, dw, dy);
    for (Tensor gradient : dw) {
      floats(gradient, "dw");
      weight(x, gradient, dy);
    }
  }

  private static void grouped(Tensor x, Groups groups, List<Tensor> w, Tensor y) {
    floatingPoint(x, "x");
    ofTypeOf(x, y, "y");
    rows(x, groups.rows(), "x");
    rows(y, groups.rows(), "y");
    require(w.size() == groups.count(), "%s weights for %s", w.size(), groups);
  }

  private static void rows(Tensor x, Tensor y) {
    require(x.shape().rows() == y.shape().rows(), "x %s and y %s differ in rows", x, y);
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

  /** table[V,H], ids I32[T], y[T,H] like the table. */
  public static void embed(Tensor table, Tensor ids, Tensor y) {
    floatingPoint(table, "table");
    ofTypeOf(table, y, "y");
    entries(table, ids, y);
  }

  /** ids I32[T], dy[T,H], dTable F32[V,H]. */
  public static void embedBackward(Tensor ids, Tensor dy, Tensor dTable) {
    floatingPoint(dy, "dy");
    floats(dTable, "dTable");
    entries(dTable, ids, dy);
  }

  private static void entries(Tensor table, Tensor ids, Tensor y) {
    elements(ids, DType.I32, y.shape().rows(), "ids");
    columns(y, table.shape().columns(), "y");
  }

  /** x[T,H], weight[H] and y[T,H] of one type, inverseRms F32[T]. */
  public static void norm(Tensor x, Tensor weight, Tensor y, Tensor inverseRms) {
    floatingPoint(x, "x");
    elements(weight, x.dtype(), x.shape().columns(), "weight");
    alike(x, y, "y");
    elements(inverseRms, DType.F32, x.shape().rows(), "inverseRms");
  }

  /** As forward; dy and dx like x, dWeight F32[H]. */
  public static void normBackward(
      Tensor x, Tensor weight, Tensor inverseRms, Tensor dy, Tensor dx, Tensor dWeight) {
    norm(x, weight, dy, inverseRms);
    alike(x, dx, "dx");
    elements(dWeight, DType.F32, x.shape().columns(), "dWeight");
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

  /** x[T, heads*headDim], cos and sin F32[length, headDim/2]. */
  public static void rope(Tensor x, Tensor cos, Tensor sin, int headDim) {
    floatingPoint(x, "x");
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

  /** q[T,Q], k and v[T,KV], out[T,Q] of one type, logSumExp F32[T,heads]. */
  public static void attention(
      Tensor q, Tensor k, Tensor v, AttentionShape shape, Tensor out, Tensor logSumExp) {
    floatingPoint(q, "q");
    matrix(q, shape.tokens(), shape.queryWidth(), "q");
    ofTypeOf(q, k, "k");
    matrix(k, shape.tokens(), shape.kvWidth(), "k");
    alike(k, v, "v");
    alike(q, out, "out");
    floats(logSumExp, "logSumExp");
    matrix(logSumExp, shape.tokens(), shape.heads(), "logSumExp");
  }

  /** As forward; dOut and dq like q, dk like k, dv like v. */
  public static void attentionBackward(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor logSumExp,
      Tensor dOut,
      AttentionShape shape,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    attention(q, k, v, shape, out, logSumExp);
    alike(q, dOut, "dOut");
    alike(q, dq, "dq");
    alike(k, dk, "dk");
    alike(v, dv, "dv");
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

  /** x[T,H], rows I32[A], scale F32[A] or null, y[A,H]; x and y of any floating-point types. */
  public static void gatherRows(Tensor x, Tensor rows, Tensor scale, Tensor y) {
    floatingPoint(x, "x");
    floatingPoint(y, "y");
    elements(rows, DType.I32, y.shape().rows(), "rows");
    scale(scale, y);
    columns(y, x.shape().columns(), "y");
  }

  /** sources of one type, source and rows I32[A], scale F32[A] or null, y[A,H] of any type. */
  public static void gatherRows(
      List<Tensor> sources, Tensor source, Tensor rows, Tensor scale, Tensor y) {
    floatingPoint(y, "y");
    sources(sources, y);
    elements(source, DType.I32, y.shape().rows(), "source");
    elements(rows, DType.I32, y.shape().rows(), "rows");
    scale(scale, y);
  }

  private static void scale(Tensor scale, Tensor y) {
    if (scale != null) {
      elements(scale, DType.F32, y.shape().rows(), "scale");
    }
  }

  /** Tensors of one floating-point type, of as many columns as {@code y}. */
  private static void sources(List<Tensor> sources, Tensor y) {
    for (Tensor one : sources) {
      floatingPoint(one, "a source");
      ofTypeOf(sources.getFirst(), one, "a source");
      columns(one, y.shape().columns(), "a source");
    }
  }

  /**
   * residual and y[T,H] alike, sources of one type, source and row I32[T,K], weights F32[T,K] or
   * null.
   */
  public static void combine(
      Tensor residual, List<Tensor> sources, Tensor source, Tensor row, Tensor weights, Tensor y) {
    alike(residual, y, "y");
    combined(residual, sources, source, row);
    if (weights != null) {
      weights(weights, source);
    }
  }

  /** dy[T,H], sources of one type, source and row I32[T,K], dWeights F32[T,K]. */
  public static void combineBackwardWeights(
      Tensor dy, List<Tensor> sources, Tensor source, Tensor row, Tensor dWeights) {
    combined(dy, sources, source, row);
    weights(dWeights, source);
  }

  private static void combined(Tensor rows, List<Tensor> sources, Tensor source, Tensor row) {
    floatingPoint(rows, "residual");
    sources(sources, rows);
    type(source, DType.I32, "source");
    rows(source, rows.shape().rows(), "source");
    alike(source, row, "row");
  }

  private static void weights(Tensor weights, Tensor source) {
    floats(weights, "weights");
    require(
        weights.shape().equals(source.shape()), "weights %s and source %s differ", weights, source);
  }

  /** logits[T,V], targets I32[T], perRow F32[T]. */
  public static void crossEntropy(Tensor logits, Tensor targets, Tensor perRow) {
    floatingPoint(logits, "logits");
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
    rows(x, rows, name);
    columns(x, columns, name);
  }

  private static void rows(Tensor x, int rows, String name) {
    require(x.shape().rows() == rows, "%s is %s, it needs %s rows", name, x, rows);
  }

  private static void columns(Tensor x, int columns, String name) {
    require(x.shape().columns() == columns, "%s is %s, it needs %s columns", name, x, columns);
  }

  /** {@code other} has the type of {@code x}. */
  private static void ofTypeOf(Tensor x, Tensor other, String name) {
    require(x.dtype() == other.dtype(), "%s is %s, it must be of the type of %s", name, other, x);
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
