package org.hetermoe.checkpoint.http;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.hetermoe.run.Json;

/** Sends requests to the coordinator, again where that may help. */
final class CoordinatorHttp implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(CoordinatorHttp.class.getName());
  private static final int FIRST_ERROR_STATUS = 400;
  private static final int FIRST_SERVER_ERROR_STATUS = 500;
  private static final int SHOWN = 300;

  private final URI base;
  private final RetryPolicy retries;
  private final HttpClient client;

  CoordinatorHttp(URI base, RetryPolicy retries) {
    String text = base.toString();
    this.base = URI.create(text.endsWith("/") ? text : text + "/");
    this.retries = retries;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .build();
  }

  /** A request to {@code path}, which begins without a slash. */
  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(base.resolve(path)).timeout(retries.attemptTimeout());
  }

  /** Says whether a reply is what was asked for; throws if it was harmed on its way. */
  @FunctionalInterface
  interface Check {
    void verify(HttpResponse<byte[]> reply) throws DamagedReplyException;
  }

  /** A reply that was harmed on its way; asking again may help. */
  static final class DamagedReplyException extends IOException {
    private static final long serialVersionUID = 1L;

    DamagedReplyException(String message) {
      super(message);
    }
  }

  /**
   * Sends until there is a reply below status 500 that passes the check, or patience ends.
   *
   * @throws IOException if the coordinator refuses (its words are in the message), stays away, or
   *     keeps replying with errors or harm
   * @throws InterruptedIOException if the thread was interrupted; its flag stays set
   */
  HttpResponse<byte[]> send(HttpRequest request, Check check) throws IOException {
    long deadline = System.nanoTime() + retries.patience().toNanos();
    Duration pause = retries.firstPause();
    for (int attempt = 1; ; attempt++) {
      IOException problem;
      try {
        HttpResponse<byte[]> reply = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
        if (reply.statusCode() < FIRST_ERROR_STATUS) {
          check.verify(reply);
          return reply;
        }
        problem =
            new IOException("status " + reply.statusCode() + ": " + explanation(reply.body()));
        if (reply.statusCode() < FIRST_SERVER_ERROR_STATUS) {
          throw new RefusedException(
              "%s %s was refused with %s"
                  .formatted(request.method(), request.uri(), problem.getMessage()));
        }
      } catch (RefusedException e) {
        throw e;
      } catch (IOException e) {
        problem = e;
      } catch (InterruptedException e) {
        throw interrupted(request, e);
      }
      if (System.nanoTime() + pause.toNanos() > deadline) {
        throw new IOException(
            "%s %s failed for %d s: %s"
                .formatted(
                    request.method(),
                    request.uri(),
                    retries.patience().toSeconds(),
                    describe(problem)),
            problem);
      }
      LOG.log(
          attempt == 1 ? System.Logger.Level.WARNING : System.Logger.Level.DEBUG,
          "{0} {1} failed, will be tried again: {2}",
          request.method(),
          request.uri(),
          describe(problem));
      try {
        Thread.sleep(pause);
      } catch (InterruptedException e) {
        throw interrupted(request, e);
      }
      Duration doubled = pause.multipliedBy(2);
      pause = doubled.compareTo(retries.longestPause()) > 0 ? retries.longestPause() : doubled;
    }
  }

  @Override
  public void close() {
    client.shutdownNow();
  }

  /** The coordinator has understood, and will not. */
  private static final class RefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    RefusedException(String message) {
      super(message);
    }
  }

  /** The coordinator's own words: the detail or title of problem+json, or the beginning of text. */
  private static String explanation(byte[] body) {
    try {
      JsonNode problem = Json.MAPPER.readTree(body);
      for (String field : new String[] {"detail", "title"}) {
        if (problem.path(field).isTextual()) {
          return problem.path(field).asText();
        }
      }
    } catch (JacksonException e) {
      LOG.log(System.Logger.Level.DEBUG, "the reply is no JSON", e);
    } catch (IOException e) {
      throw new IllegalStateException("an array in memory cannot fail to be read", e);
    }
    String text = new String(body, 0, Math.min(SHOWN, body.length), StandardCharsets.UTF_8);
    return text.isBlank() ? "no explanation" : text.strip();
  }

  private static String describe(IOException problem) {
    return problem.getMessage() == null || problem.getMessage().isBlank()
        ? problem.getClass().getSimpleName()
        : problem.getMessage();
  }

  private static InterruptedIOException interrupted(HttpRequest request, InterruptedException e) {
    Thread.currentThread().interrupt();
    InterruptedIOException wrapped =
        new InterruptedIOException("interrupted during " + request.method() + " " + request.uri());
    wrapped.initCause(e);
    return wrapped;
  }
}
