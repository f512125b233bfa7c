package org.hetermoe.schedule;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;
import org.hetermoe.model.InvalidFieldException;

/** The schedules that a run can ask for. */
public enum ScheduleKind {
  /** {@link ZebraSchedule}: the two sides work at the same time. */
  ZEBRA,
  /** {@link SequentialSchedule}: one side waits while the other works. */
  SEQUENTIAL;

  /** The name in run files. */
  @JsonValue
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The kind with that name in run files. */
  @JsonCreator
  public static ScheduleKind of(String label) {
    return switch (label) {
      case "zebra" -> ZEBRA;
      case "sequential" -> SEQUENTIAL;
      default ->
          throw new InvalidFieldException(
              "training.schedule", "must be zebra or sequential, is '" + label + "'");
    };
  }

  /** The schedule of a step. */
  public Schedule schedule(int expertLayers, int microBatches) {
    return switch (this) {
      case ZEBRA -> new ZebraSchedule(expertLayers, microBatches);
      case SEQUENTIAL -> new SequentialSchedule(expertLayers, microBatches);
    };
  }
}
