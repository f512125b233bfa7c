package org.hetermoe.optim;

import java.util.Optional;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.LossScale;
import org.hetermoe.run.LossScaleSpec;

/**
 * Dynamic loss scaling, by the rules of PyTorch's {@code GradScaler}: gradients are those of the
 * loss times a scale, and are divided by it when weights are updated. A step whose gradients
 * overflow updates nothing and halves the scale; after many steps without an overflow it doubles.
 *
 * <p>Every rank of a group has one. All go through the same states, since all hear the same
 * decision about each step. In a group that does not need scaling the scale is 1, and stays it.
 */
public final class LossScaler {
  private final LossScaleSpec spec;
  private final boolean scales;
  private State state;

  /**
   * What is to be kept with the weights so that training can go on from them.
   *
   * @param scale of the next step
   * @param goodSteps steps since the scale last changed
   * @param skippedSteps steps so far that overflowed and updated nothing
   */
  public record State(double scale, int goodSteps, int skippedSteps) {}

  /** A scaler before the first step. */
  public LossScaler(GroupPlan plan) {
    spec = plan.lossScale();
    scales = plan.precision().scalesLoss();
    state = new State(scales ? spec.initial() : 1, 0, 0);
  }

  /** Goes on where another stopped. */
  public void restore(State stored) {
    state = stored;
  }

  /** Where it is now. */
  public State state() {
    return state;
  }

  /** Whether the group needs scaling. */
  public boolean scales() {
    return scales;
  }

  /** The scale of the present step. */
  public double scale() {
    return state.scale;
  }

  /**
   * Whether the step has to be skipped, since its gradients overflow.
   *
   * @param gradientNorm of all gradients of the group
   * @throws ArithmeticException if they do so whatever the scale; weights and checkpoints would be
   *     lost
   */
  public boolean overflows(double gradientNorm) {
    if (Double.isFinite(gradientNorm)) {
      return false;
    }
    if (!scales) {
      throw new ArithmeticException(
          "the gradient norm is "
              + gradientNorm
              + ": training has diverged; lower optimizer.learning_rate, or go on from a checkpoint");
    }
    if (state.scale == LossScaleSpec.SMALLEST) {
      throw new ArithmeticException(
          "gradients overflow in fp16 with a loss scale of 1 already: use precision bf16 or fp32"
              + " where devices have it, or lower optimizer.learning_rate");
    }
    return true;
  }

  /** How the present step's loss was scaled, for reports; empty where it was not. */
  public Optional<LossScale> report(boolean skipped) {
    return scales
        ? Optional.of(
            new LossScale(
                state.scale, state.goodSteps, skipped, state.skippedSteps + (skipped ? 1 : 0)))
        : Optional.empty();
  }

  /** Ends a step. */
  public void conclude(boolean skipped) {
    if (!scales) {
      return;
    }
    if (skipped) {
      state = new State(spec.halved(state.scale), 0, state.skippedSteps + 1);
    } else if (state.goodSteps + 1 == spec.growthSteps()) {
      state = new State(spec.doubled(state.scale), 0, state.skippedSteps);
    } else {
      state = new State(state.scale, state.goodSteps + 1, state.skippedSteps);
    }
  }

  /** How many updates the weights have had with that of the present step, counted from 1. */
  public int updates(int step) {
    return step - state.skippedSteps;
  }
}
