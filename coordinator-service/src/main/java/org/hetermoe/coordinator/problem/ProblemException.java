package org.hetermoe.coordinator.problem;

/** A request that cannot be served, for a reason that whoever asked can understand. */
public final class ProblemException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final String contentRange;

  private ProblemException(int status, String detail) {
    this(status, detail, null);
  }

  private ProblemException(int status, String detail, String contentRange) {
    super(detail);
    this.status = status;
    this.contentRange = contentRange;
  }

  /** What was asked for is not there. */
  public static ProblemException notFound(String detail) {
    return new ProblemException(404, detail);
  }

  /** It does not fit the present state. */
  public static ProblemException conflict(String detail) {
    return new ProblemException(409, detail);
  }

  /** The body is larger than it may be. */
  public static ProblemException tooLarge(String detail) {
    return new ProblemException(413, detail);
  }

  /** The content is not what it claims to be. */
  public static ProblemException unprocessable(String detail) {
    return new ProblemException(422, detail);
  }

  /**
   * The content has no such range.
   *
   * @param size how many bytes it has
   */
  public static ProblemException rangeNotSatisfiable(String detail, long size) {
    return new ProblemException(416, detail, "bytes */" + size);
  }

  /** Value of the header Content-Range; null for none. */
  String contentRange() {
    return contentRange;
  }

  int status() {
    return status;
  }
}
