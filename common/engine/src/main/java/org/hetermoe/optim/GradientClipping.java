package org.hetermoe.optim;

/** Clipping by the global norm, as {@code torch.nn.utils.clip_grad_norm_} does it. */
public final class GradientClipping {
  private static final double EPSILON = 1e-6;

  private GradientClipping() {}

  /**
   * The factor on all gradients.
   *
   * @param norm global gradient norm
   * @param largest largest norm allowed; 0 clips nothing
   */
  public static double coefficient(double norm, double largest) {
    return largest == 0 ? 1.0 : Math.min(1.0, largest / (norm + EPSILON));
  }
}
