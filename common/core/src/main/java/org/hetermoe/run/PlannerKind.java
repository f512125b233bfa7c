package org.hetermoe.run;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;
import org.hetermoe.model.InvalidFieldException;

/** Who decides which worker owns which expert. */
public enum PlannerKind {
  /** The search through the simulator: never worse than {@link #PAPER}. */
  BEST,
  /** Algorithm 1 of the paper, "gather and squeeze" (§4.2). */
  PAPER,
  /** Nobody: experts are spread evenly over the expert workers, or as the run file counts them. */
  NONE;

  /** The name in run files and options. */
  @JsonValue
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The planner with that name in run files. */
  @JsonCreator
  public static PlannerKind of(String label) {
    return switch (label) {
      case "best" -> BEST;
      case "paper" -> PAPER;
      case "none" -> NONE;
      default ->
          throw new InvalidFieldException(
              "planning.planner", "must be best, paper or none, is '" + label + "'");
    };
  }
}
