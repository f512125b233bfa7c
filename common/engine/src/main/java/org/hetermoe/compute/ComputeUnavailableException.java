package org.hetermoe.compute;

/** The device that was asked for cannot start here; the message says why and what to do. */
public class ComputeUnavailableException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ComputeUnavailableException(String message) {
    super(message);
  }

  public ComputeUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
