package org.hetermoe.compute;

/** What a tensor is held for, so that a device without memory left can say what has it. */
public enum Holder {
  /** Parameters, in the type that is computed with. */
  WEIGHTS("weights"),
  /** Sums of the gradients of parameters. */
  GRADIENTS("gradients"),
  /** What the optimizer keeps of parameters: moments, and masters where weights are short. */
  OPTIMIZER_STATE("optimizer state"),
  /** What a forward leaves for its backward. */
  ACTIVATIONS("activations"),
  /** What has come from other workers, or is on its way to them. */
  FRAMES("frames"),
  /** All else: what one task needs while it runs, and tables. */
  WORKSPACE("workspace");

  private final String label;

  Holder(String label) {
    this.label = label;
  }

  /** In words. */
  public String label() {
    return label;
  }
}
