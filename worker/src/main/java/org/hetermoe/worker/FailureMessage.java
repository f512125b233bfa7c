package org.hetermoe.worker;

import java.util.ArrayList;
import java.util.List;

/** Says in one line, for people, why something failed. */
final class FailureMessage {
  private static final int LONGEST = 500;

  /** Causes can form a circle. */
  private static final int DEEPEST = 20;

  private FailureMessage() {}

  /** The messages from the outermost cause to the root, those left out that say nothing new. */
  static String of(Throwable failure) {
    List<String> parts = new ArrayList<>();
    int depth = 0;
    for (Throwable cause = failure; cause != null && depth < DEEPEST; cause = cause.getCause()) {
      String part = message(cause);
      if (!repeatsItsCause(cause) && parts.stream().noneMatch(earlier -> earlier.contains(part))) {
        parts.add(part);
      }
      depth++;
    }
    String line = String.join(": ", parts);
    return line.length() <= LONGEST ? line : line.substring(0, LONGEST - 3) + "...";
  }

  private static String message(Throwable cause) {
    String message = cause.getMessage();
    return message == null || message.isBlank()
        ? cause.getClass().getSimpleName()
        : message.strip().replaceAll("\\s+", " ");
  }

  /** Exceptions that were made from a cause alone have its class and message as theirs. */
  private static boolean repeatsItsCause(Throwable failure) {
    return failure.getCause() != null && failure.getCause().toString().equals(failure.getMessage());
  }
}
