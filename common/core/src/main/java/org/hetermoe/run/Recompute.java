package org.hetermoe.run;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.hetermoe.model.InvalidFieldException;

/**
 * Which activations are computed again in the backward pass instead of kept from the forward pass
 * (activation checkpointing). Numbers do not depend on it.
 */
public enum Recompute {
  /** All are kept. */
  NONE,
  /** The attention side keeps the input of each layer. */
  ATTENTION,
  /** As {@link #ATTENTION}, and experts keep their input rows. */
  FULL;

  /**
   * How much of an expert's forward is computed again: of its three products, which are alike, the
   * last is not.
   */
  public static final double EXPERT_SHARE = 2.0 / 3;

  /** The name in run files. */
  @JsonValue
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The one with that name in run files. */
  @JsonCreator
  public static Recompute of(String label) {
    for (Recompute each : values()) {
      if (each.label().equals(label)) {
        return each;
      }
    }
    throw new InvalidFieldException(
        "training.recompute",
        "must be one of "
            + Arrays.stream(values()).map(Recompute::label).collect(Collectors.joining(", "))
            + ", is '"
            + label
            + "'");
  }

  /** Whether the attention side computes its layers again. */
  public boolean attention() {
    return this != NONE;
  }

  /** Whether experts compute again. */
  public boolean experts() {
    return this == FULL;
  }
}
