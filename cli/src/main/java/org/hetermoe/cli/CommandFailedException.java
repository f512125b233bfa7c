package org.hetermoe.cli;

/** A command could not do what it was to do; the message tells people why. */
public final class CommandFailedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public CommandFailedException(String message) {
    super(message);
  }
}
