package org.hetermoe.worker;

import java.util.ArrayList;
import java.util.List;

/** Says in one line, for people, why something failed. */
final class Reasons {
  private static final int LONGEST = 500;

  private Reasons() {}

  /** The messages from the outermost cause to the root, those left out that say nothing new. */
  static String of(Throwable failure) {
    List<String> parts = new ArrayList<>();
    int depth = 0;
    for (Throwable cause = failure; cause != null && depth < 20; cause = cause.getCause()) {
      String message = cause.getMessage();
      String part =
          message == null || message.isBlank()
              ? cause.getClass().getSimpleName()
              : message.strip().replaceAll("\\s+", " ");
      // Exceptions made from a cause alone repeat its class and message.
      parts.removeIf(part::equals);
      parts.removeIf(earlier -> earlier.endsWith(": " + part) || earlier.endsWith("." + part));
      parts.add(part);
      depth++;
    }
    String line = String.join(": ", parts);
    return line.length() <= LONGEST ? line : line.substring(0, LONGEST - 3) + "...";
  }
}
