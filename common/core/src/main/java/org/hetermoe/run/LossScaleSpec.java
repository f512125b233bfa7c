package org.hetermoe.run;

import org.hetermoe.model.InvalidFieldException;

/**
 * By how much the loss is scaled up before its gradients are taken, where a side computes in fp16:
 * small gradients would be zero there. The scale is halved when a gradient overflows, and doubled
 * after many steps without. A power of two, so that scaling rounds nothing.
 *
 * @param initial scale of the first step
 * @param growthSteps steps without an overflow after which the scale is doubled
 */
public record LossScaleSpec(double initial, int growthSteps) {
  /** A gradient that overflows with this scale overflows without any. */
  public static final double SMALLEST = 1;

  /** More would take what single precision has left for sums of gradients. */
  public static final double LARGEST = 0x1p24;

  /** Steps that can be counted in a checkpoint, whose numbers are of single precision. */
  private static final int MOST_STEPS = 1 << 24;

  /** Of a group that needs no scaling. */
  static final LossScaleSpec UNSCALED = new LossScaleSpec(SMALLEST, MOST_STEPS);

  public LossScaleSpec {
    if (!(initial >= SMALLEST && initial <= LARGEST)
        || initial != Math.scalb(1.0, Math.getExponent(initial))) {
      throw new InvalidFieldException(
          "training.loss_scale.initial",
          "must be a power of two from 1 to 16777216, as 65536, is " + initial);
    }
    if (growthSteps < 1 || growthSteps > MOST_STEPS) {
      throw new InvalidFieldException(
          "training.loss_scale.growth_steps",
          "must lie between 1 and " + MOST_STEPS + ", is " + growthSteps);
    }
  }

  /** The scale of the step after one that overflowed. */
  public double halved(double scale) {
    return Math.max(SMALLEST, scale / 2);
  }

  /** The scale after {@link #growthSteps} steps without an overflow. */
  public double doubled(double scale) {
    return Math.min(LARGEST, scale * 2);
  }
}
