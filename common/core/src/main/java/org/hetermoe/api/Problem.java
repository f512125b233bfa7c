package org.hetermoe.api;

import com.fasterxml.jackson.annotation.JsonInclude;

/**
 * A problem detail of RFC 9457.
 *
 * @param type always {@code about:blank}: the status says what kind it is
 * @param title the status in words
 * @param status the HTTP status
 * @param detail what is wrong, for people
 * @param field path of the field that is wrong; absent where it is none
 * @param errorId what to look for in the log; absent but for unexpected errors
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Problem(
    String type, String title, int status, String detail, String field, String errorId) {
  /** Media type of problem details. */
  public static final String MEDIA_TYPE = "application/problem+json";

  /** A problem without field or error id. */
  public static Problem of(int status, String detail) {
    return new Problem("about:blank", title(status), status, detail, null, null);
  }

  /** The same, of a field. */
  public Problem withField(String name) {
    return new Problem(type, title, status, detail, name, errorId);
  }

  /** The same, with what to look for in the log. */
  public Problem withErrorId(String id) {
    return new Problem(type, title, status, detail, field, id);
  }

  private static String title(int status) {
    return switch (status) {
      case 400 -> "Bad Request";
      case 404 -> "Not Found";
      case 405 -> "Method Not Allowed";
      case 406 -> "Not Acceptable";
      case 409 -> "Conflict";
      case 413 -> "Content Too Large";
      case 415 -> "Unsupported Media Type";
      case 416 -> "Range Not Satisfiable";
      case 422 -> "Unprocessable Content";
      case 500 -> "Internal Server Error";
      case 503 -> "Service Unavailable";
      default -> "HTTP " + status;
    };
  }
}
