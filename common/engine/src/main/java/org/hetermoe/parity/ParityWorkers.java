package org.hetermoe.parity;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.hetermoe.model.InvalidFieldException;

/** Who computes a parity case: one process alone, or a group of workers in it. */
public sealed interface ParityWorkers {
  /** The local trainer. */
  record Local() implements ParityWorkers {}

  /** A group over memory channels. */
  record Group(int attention, int experts) implements ParityWorkers {}

  /**
   * Parses {@code local} or {@code MxN}.
   *
   * @throws InvalidFieldException if it is neither
   */
  static ParityWorkers parse(String text) {
    if (text.toLowerCase(Locale.ROOT).equals("local")) {
      return new Local();
    }
    Matcher matcher = Pattern.compile("([1-9][0-9]{0,2})x([1-9][0-9]{0,2})").matcher(text);
    if (!matcher.matches()) {
      throw new InvalidFieldException(
          "--workers",
          "must be 'local' or attention x expert workers such as 2x3, is '" + text + "'");
    }
    return new Group(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
  }
}
