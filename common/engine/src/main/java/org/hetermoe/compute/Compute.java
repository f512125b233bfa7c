package org.hetermoe.compute;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * A device: memory, and stateless operations over tensors in it, each forward beside its backward.
 *
 * <p>Shape letters: T tokens (rows), I and O input and output width, H hidden width, V vocabulary,
 * E experts, K experts per token, A assignments (a token given to an expert), G groups. Weights
 * have the layout {@code [out, in]}. Any extent of rows may be 0.
 *
 * <p>Types: weights, activations and the gradients of activations are of one storage type S, any
 * floating-point type that the device computes in ({@link #refusal}). Gradients of weights, what
 * the optimizer keeps, and what is one number for a row, an expert or a choice (inverse roots,
 * log-sum- exps, losses, rotary tables, factors of rows, all of the router but its input) are F32
 * whatever S is. Where a method names no types, these rules hold. Whatever S is, an operation
 * computes as if in F32 and rounds once, to the nearest number of S, ties to even, when it stores
 * an element; a target that it adds to is read, added to and rounded likewise.
 *
 * <p>Operations may run asynchronously, in the order of their calls; {@link #read}, {@link
 * #sumOfSquares}, {@link #synchronize} and a {@link Completion} wait. A tensor may be closed while
 * operations on it are under way: its memory is not given to another before they are done. Outputs
 * must not alias inputs unless an operation says so. An operation throws {@link
 * IllegalArgumentException} on operands whose shapes do not fit. One instance is used by one thread
 * at a time.
 */
public interface Compute extends AutoCloseable {
  /**
   * The name it was looked up by, with what it found, for logs: {@code cpu (oneDNN 3.11, 2
   * threads)}.
   */
  String description();

  // ---- memory

  /**
   * Why this device cannot compute in a storage type, and what to use instead, as a sentence for
   * the user; empty if it can. It holds tensors of any type, converts and copies them even so.
   */
  Optional<String> refusal(DType type);

  /** What tensors take now, and took at most; also after the device was closed. */
  MemoryUse memory();

  /** All of the device's memory in bytes; empty if it computes in the host's. */
  default OptionalLong memoryBytes() {
    return OptionalLong.empty();
  }

  /** A tensor with undefined contents. The caller closes it. */
  Tensor allocate(DType dtype, Shape shape);

  /**
   * As {@link #allocate(DType, Shape)}, which is for {@link Holder#WORKSPACE}; a device with memory
   * of its own remembers what the tensor is for, and says so when it has no more.
   */
  default Tensor allocate(Holder holder, DType dtype, Shape shape) {
    return allocate(dtype, shape);
  }

  /** A tensor of zeros. The caller closes it. */
  default Tensor zeros(DType dtype, Shape shape) {
    return zeros(Holder.WORKSPACE, dtype, shape);
  }

  /** As {@link #zeros(DType, Shape)}, for someone else than {@link Holder#WORKSPACE}. */
  default Tensor zeros(Holder holder, DType dtype, Shape shape) {
    Tensor tensor = allocate(holder, dtype, shape);
    fill(tensor, 0f);
    return tensor;
  }

  /**
   * A tensor for what arrives in a buffer of {@link ComputeProvider#transferMemory}, or leaves from
   * it: on the processor's own device a view of the buffer, so that {@link #upload} and {@link
   * #download} between the two have nothing to copy; on any other device memory of its own.
   *
   * <p>The buffer must be native, aligned to its elements, exactly as large as the tensor, and
   * outlive it. Closing the tensor waits until the device is done with the buffer, and leaves it
   * alone from then on. Contents are undefined until an upload or an operation writes them.
   */
  Tensor transferTensor(MemorySegment buffer, DType dtype, Shape shape);

  /**
   * Copies host elements to a tensor of exactly their size. Operations that are called later see
   * them; the source is left as it is until the completion.
   */
  Completion upload(MemorySegment source, Tensor target);

  /**
   * Copies a tensor to host memory of exactly its size, once the operations that were called before
   * are done. The target is undefined until the completion.
   */
  Completion download(Tensor source, MemorySegment target);

  /** Uploads and waits. */
  default void write(MemorySegment source, Tensor target) {
    upload(source, target).await();
  }

  /** Downloads and waits. */
  default void read(Tensor source, MemorySegment target) {
    download(source, target).await();
  }

  /** Waits until all operations are done. */
  void synchronize();

  /**
   * Marks this place in the order of operations, to tell how long those between two marks take the
   * device, which need not be how long their calls take the host. The caller closes it.
   */
  default Mark mark() {
    return Mark.now();
  }

  // ---- element-wise

  /** Sets every element of a tensor of any floating-point type. */
  void fill(Tensor x, float value);

  /** {@code target = source}; of one type, of equal element counts. */
  void copy(Tensor source, Tensor target);

  /** {@code target += source}; of one floating-point type, of equal element counts. */
  void add(Tensor source, Tensor target);

  /**
   * {@code target = source}, rounded to the nearest number of the target's type, ties to even; of
   * any two floating-point types; equal element counts.
   */
  void convert(Tensor source, Tensor target);

  // ---- linear: y[T,O] = x[T,I] w[O,I]^T

  /** {@code y = x w^T}; y is of the type of x and w, or F32. */
  void linear(Tensor x, Tensor w, Tensor y);

  /** {@code dx = dy w}, or {@code dx += dy w} if {@code accumulate}. */
  void linearBackwardInput(Tensor dy, Tensor w, Tensor dx, boolean accumulate);

  /** {@code dw += dy^T x}; dw is F32. */
  void linearBackwardWeight(Tensor dy, Tensor x, Tensor dw);

  // ---- grouped linear: group g of rows meets weight g; the experts of one layer in one call.
  // The numbers of a group depend on that group's operands alone, never on its neighbours.

  /**
   * For every group: {@code y_g = x_g w_g^T}. x[A,I], y[A,O], w of {@code groups.count()} tensors
   * [O,I].
   */
  void groupedLinear(Tensor x, Groups groups, List<Tensor> w, Tensor y);

  /** For every group: {@code dx_g = dy_g w_g}, or {@code +=} if {@code accumulate}. */
  void groupedLinearBackwardInput(
      Tensor dy, Groups groups, List<Tensor> w, Tensor dx, boolean accumulate);

  /** For every group: {@code dw_g += dy_g^T x_g}; dw is F32. */
  void groupedLinearBackwardWeight(Tensor dy, Tensor x, Groups groups, List<Tensor> dw);

  // ---- embedding

  /** {@code y[t] = table[ids[t]]}. table[V,H], ids I32[T], y[T,H]. */
  void embed(Tensor table, Tensor ids, Tensor y);

  /** {@code dTable[ids[t]] += dy[t]}, in the order of t; dTable is F32. */
  void embedBackward(Tensor ids, Tensor dy, Tensor dTable);

  // ---- RMSNorm

  /**
   * {@code y = x / rms(x) * weight}, {@code rms(x) = sqrt(mean(x^2) + epsilon)}; keeps {@code
   * inverseRms[T]}.
   */
  void rmsNorm(Tensor x, Tensor weight, float epsilon, Tensor y, Tensor inverseRms);

  /**
   * {@code dx += } the gradient through the norm (dx accumulates: the residual branch joins there);
   * {@code dWeight += }, F32.
   */
  void rmsNormBackward(
      Tensor x, Tensor weight, Tensor inverseRms, Tensor dy, Tensor dx, Tensor dWeight);

  // ---- rotary position embedding (pairs i and i + headDim/2, as Hugging Face lays them out)

  /**
   * Rotates every head of x[T, heads*headDim] in place; cos and sin are [length, headDim/2],
   * position is row mod length.
   */
  void rope(Tensor x, Tensor cos, Tensor sin, int headDim);

  /** Rotates back: the gradient of {@link #rope}, in place. */
  void ropeBackward(Tensor dx, Tensor cos, Tensor sin, int headDim);

  // ---- causal grouped-query attention, scores scaled by 1/sqrt(headDim)

  /**
   * q[T, heads*headDim], k and v[T, kvHeads*headDim] to out like q; keeps {@code logSumExp[T,
   * heads]}. Never holds more of the score matrix than a block of rows.
   */
  void attention(Tensor q, Tensor k, Tensor v, AttentionShape shape, Tensor out, Tensor logSumExp);

  /** Writes (does not accumulate) dq, dk, dv. */
  void attentionBackward(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor logSumExp,
      Tensor dOut,
      AttentionShape shape,
      Tensor dq,
      Tensor dk,
      Tensor dv);

  // ---- router

  /**
   * Softmax over the experts, the K largest (ties: lower expert first), in descending order, with
   * weights renormalised to sum 1. All F32: the logits come from {@link #linear}.
   *
   * @param logits [T,E]
   * @param probabilities out, [T,E]
   * @param logSumExp out, [T], of the logits
   * @param experts out, I32[T,K]
   * @param weights out, [T,K]
   */
  void route(Tensor logits, Tensor probabilities, Tensor logSumExp, Tensor experts, Tensor weights);

  /**
   * Gradient of the logits, all F32. The probabilities have two users: the renormalised weights,
   * and the load-balancing loss, which is linear in them with coefficients {@code balance[E]} that
   * are the same for every token; the z-loss adds {@code zScale * logSumExp^2} per token.
   *
   * @param dWeights [T,K]
   * @param balance [E]
   * @param dLogits out, [T,E]
   */
  void routeBackward(
      Tensor probabilities,
      Tensor logSumExp,
      Tensor experts,
      Tensor weights,
      Tensor dWeights,
      Tensor balance,
      float zScale,
      Tensor dLogits);

  /** {@code sums[c] = sum over rows of x[r,c]}; x[T,E], sums[E], F32. */
  void columnSums(Tensor x, Tensor sums);

  // ---- dispatch and combine

  /**
   * {@code y[i] = x[rows[i]]}, times {@code scale[i]} unless scale is null. x[T,H], rows I32[A],
   * y[A,H]. x and y may be of different floating-point types: rows change theirs on the way into
   * frames and out of them.
   */
  void gatherRows(Tensor x, Tensor rows, Tensor scale, Tensor y);

  /**
   * {@code y[i] = sources[source[i]][rows[i]]}, times {@code scale[i]} unless scale is null: one
   * gather from several tensors. y may be of another floating-point type than they.
   *
   * @param sources tensors of one type and of H columns, one per attention worker
   * @param source I32[A], which of the sources
   * @param rows I32[A], which row of it
   * @param scale [A] or null
   * @param y out, [A,H]
   */
  void gatherRows(List<Tensor> sources, Tensor source, Tensor rows, Tensor scale, Tensor y);

  /**
   * {@code y[t] = residual[t] + sum over s in order of weights[t,s] *
   * sources[source[t,s]][row[t,s]]}. Without weights (null) the factor is 1. y is like residual,
   * and may be it.
   *
   * @param sources tensors of one type, which may be another than the residual's, and of H columns,
   *     one per expert worker
   * @param source I32[T,K], which of the sources
   * @param row I32[T,K], which row of it
   */
  void combine(
      Tensor residual, List<Tensor> sources, Tensor source, Tensor row, Tensor weights, Tensor y);

  /**
   * {@code dWeights[t,s] = dot(dy[t], sources[source[t,s]][row[t,s]])}; sources as in {@link
   * #combine}.
   */
  void combineBackwardWeights(
      Tensor dy, List<Tensor> sources, Tensor source, Tensor row, Tensor dWeights);

  // ---- SwiGLU

  /** {@code out = silu(gate) * up}, element by element. */
  void swiGlu(Tensor gate, Tensor up, Tensor out);

  /** dGate and dUp from dOut; dGate may be gate, dUp may be up. */
  void swiGluBackward(Tensor gate, Tensor up, Tensor dOut, Tensor dGate, Tensor dUp);

  // ---- loss

  /**
   * Cross entropy of each row, in nats; 0 where the target is negative (ignored).
   *
   * @param logits [T,V]
   * @param targets I32[T]
   * @param losses out, [T]
   * @param logSumExp out, [T]
   */
  void crossEntropy(Tensor logits, Tensor targets, Tensor losses, Tensor logSumExp);

  /**
   * {@code dLogits = scale * (softmax(logits) - onehot(target))}, 0 for ignored rows; dLogits is
   * like logits, and may be them.
   */
  void crossEntropyBackward(
      Tensor logits, Tensor targets, Tensor logSumExp, float scale, Tensor dLogits);

  // ---- optimizer

  /**
   * Sum of the squares of all elements of an F32 tensor, in double precision and a fixed order; not
   * finite if an element is not. Waits.
   */
  double sumOfSquares(Tensor x);

  /**
   * One AdamW update of a master weight, m and v; writes the new weight to the value as well, and
   * sets the gradient to zero. All tensors have equal element counts and are F32, but for the
   * value.
   *
   * @param master the exact weight
   * @param value what layers compute with: takes the new weight, rounded to its type; the master
   *     itself where that is F32
   */
  void adamW(Tensor master, Tensor value, Tensor gradient, Tensor m, Tensor v, AdamWStep step);

  @Override
  void close();
}
