package org.hetermoe.plan;

import org.hetermoe.device.RuntimeOverheads;
import org.hetermoe.run.GroupPrecision;
import org.hetermoe.run.Recompute;
import org.hetermoe.tensor.DType;

/**
 * What training really does, as far as time and memory depend on it: types, what is computed again,
 * what is shared out among workers that hold the same, and the runtime beneath.
 *
 * @param precision types of parameters and activations, by side, and of rows on their way between
 *     workers
 * @param gradients type in which gradients are accumulated and reduced
 * @param recompute which activations are computed again in the backward pass (checkpointing)
 *     instead of kept
 * @param accounting how what is kept and computed again is reckoned
 * @param shardedOptimizer whether attention workers share out the optimizer of what they all hold;
 *     if not, each has and steps all of it
 * @param evenShares whether attention workers get the same share of each micro-batch, whatever
 *     their speed
 * @param reduction how workers that hold the same parameters sum their gradients
 * @param expertFit how a line is laid through an expert's times
 * @param runtime what it takes beside the work
 */
public record Training(
    GroupPrecision precision,
    DType gradients,
    Recompute recompute,
    Accounting accounting,
    boolean shardedOptimizer,
    boolean evenShares,
    Reduction reduction,
    ExpertFit expertFit,
    RuntimeOverheads runtime) {
  /** How activations are reckoned. */
  public enum Accounting {
    /** As the services hold them, tensor by tensor; of experts that compute again, what they do. */
    TENSORS,
    /**
     * By estimate, in widths of the residual stream, and whole layers computed again with all that
     * goes before them: for a runtime of which no more is known. Only of {@link Recompute#FULL}.
     */
    WIDTHS
  }

  /** How gradients are summed over workers. */
  public enum Reduction {
    /** Round a ring, twice. */
    RING,
    /** Every worker sums a piece that the others send it, and sends it back to all. */
    DIRECT;

    /** Messages that wait for each other. */
    int rounds(int workers) {
      return this == RING ? 2 * (workers - 1) : 2;
    }
  }

  /** Which two times of an expert the straight line of {@link ExpertCosts} goes through. */
  public enum ExpertFit {
    /** Those of half its mean rows and of all: for profiles that are nearly a line themselves. */
    TANGENT,
    /**
     * Those of half its mean rows and of one and a half, no steeper than in proportion: for
     * profiles that were measured, whose single points are off.
     */
    SECANT
  }

  /** Bytes of the moments of a parameter, both in single precision. */
  private static final int MOMENTS_BYTES = 2 * Float.BYTES;

  public Training {
    if (!gradients.floating()) {
      throw new IllegalArgumentException("gradients need a floating-point type, not " + gradients);
    }
    if (accounting == Accounting.WIDTHS && recompute != Recompute.FULL) {
      throw new IllegalArgumentException(
          "there is no estimate of what is kept with recompute " + recompute.label());
    }
  }

  /** As the services train: everything on every attention worker. */
  public static Training services(GroupPrecision precision, Recompute recompute) {
    return new Training(
        precision,
        DType.F32,
        recompute,
        Accounting.TENSORS,
        false,
        true,
        Reduction.DIRECT,
        ExpertFit.SECANT,
        RuntimeOverheads.SERVICES);
  }

  /**
   * As the paper evaluates (§6.1): checkpointed, in a precision with masters where it is low.
   * Gradients are accumulated and reduced in single precision, as the runtime holds them.
   */
  public static Training paper(DType type) {
    return paper(type, Recompute.FULL);
  }

  /**
   * As {@link #paper(DType)}, with other activations computed again. What is kept then is known
   * tensor by tensor; the estimate is one of checkpointed runs.
   */
  public static Training paper(DType type, Recompute recompute) {
    return new Training(
        new GroupPrecision(type, type, type, type),
        DType.F32,
        recompute,
        recompute == Recompute.FULL ? Accounting.WIDTHS : Accounting.TENSORS,
        true,
        false,
        Reduction.RING,
        ExpertFit.TANGENT,
        RuntimeOverheads.PAPER);
  }

  /** Forwards of a layer's attention side that a step takes for each micro-batch. */
  public double attentionForwards() {
    return recompute.attention() ? 2 : 1;
  }

  /** Forwards of an expert that a step takes for each micro-batch. */
  public double expertForwards() {
    if (!recompute.experts()) {
      return 1;
    }
    return accounting == Accounting.WIDTHS ? 2 : 1 + Recompute.EXPERT_SHARE;
  }

  /** Bytes of an expert's parameter with its gradient and all that the optimizer holds for it. */
  public int expertStateBytes() {
    return parameterBytes(precision.experts()) + optimizerBytes(precision.experts());
  }

  /** Bytes of a parameter of a type, and its gradient. */
  int parameterBytes(DType type) {
    return type.bytes() + gradients.bytes();
  }

  /**
   * Bytes that AdamW holds for a parameter of a type: two moments, and a master of a short type.
   */
  int optimizerBytes(DType type) {
    return MOMENTS_BYTES + (type == DType.F32 ? 0 : Float.BYTES);
  }
}
