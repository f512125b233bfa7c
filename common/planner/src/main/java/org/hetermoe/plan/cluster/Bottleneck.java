package org.hetermoe.plan.cluster;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** What keeps a layout from being faster. */
public enum Bottleneck {
  /** Attention workers are the busiest. */
  ATTENTION,
  /** Expert workers are the busiest. */
  EXPERTS,
  /** Network cards are the busiest. */
  COMMUNICATION,
  /** Experts cannot be where they would be computed fastest. */
  MEMORY,
  /** Nobody is busy: too few micro-batches to keep both sides at work. */
  WAITING;

  /** The name in reports. */
  @JsonValue
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
