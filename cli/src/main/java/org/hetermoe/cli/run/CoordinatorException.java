package org.hetermoe.cli.run;

/** The coordinator refuses or does not answer; the message tells people why. */
public final class CoordinatorException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;

  CoordinatorException(int status, String message) {
    super(message);
    this.status = status;
  }

  CoordinatorException(String message, Throwable cause) {
    super(message, cause);
    this.status = 0;
  }

  /** Whether there is no such thing. */
  boolean notFound() {
    return status == 404;
  }

  /** Whether what was asked for is at fault, and not what was asked. */
  public boolean wronglyAsked() {
    return status >= 400 && status < 500;
  }
}
