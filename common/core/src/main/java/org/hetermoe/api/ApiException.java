package org.hetermoe.api;

import java.io.IOException;

/**
 * The coordinator refuses a request, fails at it, or does not answer. The message is for people:
 * the coordinator's own words where it gave any.
 */
public final class ApiException extends IOException {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final String title;
  private final String detail;

  /** A reply with an error status. */
  ApiException(int status, String title, String detail, String message) {
    super(message);
    this.status = status;
    this.title = title;
    this.detail = detail;
  }

  /** No reply, or none that can be used. */
  ApiException(String message, Throwable cause) {
    super(message, cause);
    this.status = 0;
    this.title = null;
    this.detail = null;
  }

  /** The HTTP status; 0 where no usable reply came. */
  public int status() {
    return status;
  }

  /** The problem's title: the status in words; null where the reply has none. */
  public String title() {
    return title;
  }

  /** What is wrong, in the coordinator's words; null where the reply has none. */
  public String detail() {
    return detail;
  }

  /** Whether the coordinator has understood and will not: asking again does not help. */
  public boolean refused() {
    return status >= 400 && status < 500;
  }

  /** Whether there is no such thing. */
  public boolean notFound() {
    return status == 404;
  }

  /** Whether it does not go together with the present state: the run has ended, say. */
  public boolean conflict() {
    return status == 409;
  }
}
