package org.hetermoe.coordinator.problem;

import org.hetermoe.model.InvalidFieldException;

/**
 * Reads numbers of paths and queries. They are taken as text, because the framework would answer
 * "not found" where one is malformed.
 */
public final class Parameters {
  private Parameters() {}

  /**
   * A whole number.
   *
   * @param name of the parameter, for the message
   * @param text what was given; null where nothing was
   * @param otherwise what nothing means
   * @throws InvalidFieldException if it is not a number from {@code least} to {@code most}
   */
  public static int whole(String name, String text, int otherwise, int least, int most) {
    return text == null ? otherwise : whole(name, text, least, most);
  }

  /** A whole number that must be given; otherwise as above. */
  public static int whole(String name, String text, int least, int most) {
    try {
      if (text != null) {
        int value = Integer.parseInt(text);
        if (value >= least && value <= most) {
          return value;
        }
      }
    } catch (NumberFormatException e) {
      throw outside(name, text, least, most, e);
    }
    throw outside(name, text, least, most, null);
  }

  private static InvalidFieldException outside(
      String name, String text, int least, int most, Throwable cause) {
    InvalidFieldException problem =
        new InvalidFieldException(
            name, "must be a whole number from " + least + " to " + most + ", is " + text);
    problem.initCause(cause);
    return problem;
  }
}
