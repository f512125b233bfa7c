package org.hetermoe.plan;

import org.hetermoe.device.RuntimeOverheads;
import org.hetermoe.tensor.DType;

/**
 * What training really does, as far as time and memory depend on it: types, what is computed again,
 * what is shared out among workers that hold the same, and the runtime beneath.
 *
 * @param type of parameters, of activations, and of rows on their way between workers
 * @param gradients type in which gradients are accumulated and reduced
 * @param recompute whether activations are computed again in the backward pass (checkpointing)
 *     instead of kept
 * @param shardedOptimizer whether attention workers share out the optimizer of what they all hold;
 *     if not, each has and steps all of it
 * @param evenShares whether attention workers get the same share of each micro-batch, whatever
 *     their speed
 * @param reduction how workers that hold the same parameters sum their gradients
 * @param expertFit how a line is laid through an expert's times
 * @param runtime what it takes beside the work
 */
public record Training(
    DType type,
    DType gradients,
    boolean recompute,
    boolean shardedOptimizer,
    boolean evenShares,
    Reduction reduction,
    ExpertFit expertFit,
    RuntimeOverheads runtime) {
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

  /**
   * The services: single precision, activations kept ({@code nn.AttentionLayer}, {@code
   * nn.ExpertBank}), everything on every attention worker.
   */
  public static final Training SERVICES =
      new Training(
          DType.F32,
          DType.F32,
          false,
          false,
          true,
          Reduction.DIRECT,
          ExpertFit.SECANT,
          RuntimeOverheads.SERVICES);

  /** Bytes of the moments of a parameter, both in single precision. */
  private static final int MOMENTS_BYTES = 2 * Float.BYTES;

  public Training {
    if (!type.floating() || !gradients.floating()) {
      throw new IllegalArgumentException(
          "training needs floating-point types, not " + type + " and " + gradients);
    }
  }

  /**
   * As the paper evaluates (§6.1): checkpointed, in a precision with masters where it is low.
   * Gradients are accumulated and reduced in single precision, as the runtime holds them.
   */
  public static Training paper(DType type) {
    return new Training(
        type,
        DType.F32,
        true,
        true,
        false,
        Reduction.RING,
        ExpertFit.TANGENT,
        RuntimeOverheads.PAPER);
  }

  /** Bytes of a parameter with its gradient and all that the optimizer holds for it. */
  public int stateBytes() {
    return parameterBytes() + optimizerBytes();
  }

  /** Bytes of a parameter and its gradient. */
  public int parameterBytes() {
    return type.bytes() + gradients.bytes();
  }

  /** Bytes that AdamW holds for a parameter: two moments, and a master copy of a short type. */
  public int optimizerBytes() {
    return MOMENTS_BYTES + (type == DType.F32 ? 0 : Float.BYTES);
  }
}
