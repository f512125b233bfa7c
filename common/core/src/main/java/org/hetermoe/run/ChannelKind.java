package org.hetermoe.run;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.hetermoe.model.InvalidFieldException;

/** How activations travel between the workers of a run. */
public enum ChannelKind {
  /** All workers in one process; for one machine and for comparison. */
  MEMORY,
  /** Point to point between the services; the default. */
  DIRECT,
  /** Through the broker. */
  KAFKA;

  /** The name in run files. */
  @JsonValue
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The kind with that name in run files. */
  @JsonCreator
  public static ChannelKind of(String label) {
    for (ChannelKind kind : values()) {
      if (kind.label().equals(label)) {
        return kind;
      }
    }
    throw new InvalidFieldException(
        "channel",
        "must be one of "
            + Arrays.stream(values()).map(ChannelKind::label).collect(Collectors.joining(", "))
            + ", is '"
            + label
            + "'");
  }
}
