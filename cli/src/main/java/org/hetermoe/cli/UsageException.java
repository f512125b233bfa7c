package org.hetermoe.cli;

/** What people asked for cannot be meant; the message says why. */
public final class UsageException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public UsageException(String message) {
    super(message);
  }
}
