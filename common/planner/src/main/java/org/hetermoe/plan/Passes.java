package org.hetermoe.plan;

/**
 * Seconds of one piece of work.
 *
 * @param forward forward pass
 * @param backward backward pass, recomputation of the forward included where the run does that
 */
public record Passes(double forward, double backward) {
  /** No work. */
  public static final Passes NONE = new Passes(0, 0);

  /** Both passes. */
  public double both() {
    return forward + backward;
  }
}
