package org.hetermoe.run;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.hetermoe.model.InvalidFieldException;

/**
 * How many workers a run can go with: a number, or two with dots between them, as in {@code 1..4}.
 *
 * @param fewest at least 1
 * @param most at least {@code fewest}
 */
public record WorkerRange(int fewest, int most) {
  private static final Pattern TEXT = Pattern.compile("(\\d{1,9})(?:\\.\\.(\\d{1,9}))?");

  public WorkerRange {
    check(fewest >= 1, "must be at least 1, is " + fewest);
    check(most <= WorkersSpec.MOST, "must be at most " + WorkersSpec.MOST + ", is " + most);
    check(fewest <= most, "must have the smaller number first, is " + fewest + ".." + most);
  }

  private static void check(boolean valid, String problem) {
    if (!valid) {
      throw new InvalidFieldException("workers.experts", problem);
    }
  }

  /** Exactly so many. */
  public static WorkerRange of(int number) {
    return new WorkerRange(number, number);
  }

  /** Reads a number or a range; empty if it is neither. */
  static Optional<WorkerRange> parse(String text) {
    Matcher parts = TEXT.matcher(text.strip());
    if (!parts.matches()) {
      return Optional.empty();
    }
    int first = Integer.parseInt(parts.group(1));
    return Optional.of(
        new WorkerRange(first, parts.group(2) == null ? first : Integer.parseInt(parts.group(2))));
  }

  /** From JSON, a number or text. */
  @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
  static WorkerRange of(Object value) {
    return parse(String.valueOf(value))
        .orElseThrow(
            () ->
                new InvalidFieldException(
                    "workers.experts", "must be a number or a range as in 1..4, is " + value));
  }

  /** To JSON. */
  @JsonValue
  Object value() {
    return exact() ? fewest : toString();
  }

  /** Whether a run can go with so many. */
  public boolean contains(int number) {
    return number >= fewest && number <= most;
  }

  /** Whether it leaves no choice. */
  public boolean exact() {
    return fewest == most;
  }

  /**
   * The number, where there is no choice left.
   *
   * @throws IllegalStateException if there is
   */
  public int number() {
    if (!exact()) {
      throw new IllegalStateException("which of " + this + " has not been decided");
    }
    return fewest;
  }

  @Override
  public String toString() {
    return exact() ? Integer.toString(fewest) : fewest + ".." + most;
  }
}
