package org.hetermoe.api;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.hetermoe.run.Json;

/** Sends requests and tells replies from problems; repeats what may be repeated. Thread-safe. */
final class HttpCalls implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(CoordinatorClient.class.getName());
  private static final int FIRST_ERROR_STATUS = 400;

  private final ClientSettings settings;
  private final HttpClient http;

  HttpCalls(ClientSettings settings) {
    this.settings = settings;
    this.http =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(settings.connectTimeout())
            .build();
  }

  /** A request to a path below {@code /api/v1}, which begins with a slash. */
  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(settings.url() + "/api/v1" + path))
        .timeout(settings.requestTimeout());
  }

  /** Makes something of a successful reply. */
  @FunctionalInterface
  interface Reader<T> {
    /**
     * What the reply holds.
     *
     * @throws IOException if it was harmed on its way or is not understood
     */
    T read(HttpResponse<byte[]> reply) throws IOException;
  }

  /**
   * Sends a request that must not be repeated, since it would do something twice.
   *
   * @throws ApiException if there is no reply that can be read, or it has an error status
   */
  <T> T once(HttpRequest request, Reader<T> reader) throws ApiException, InterruptedException {
    HttpResponse<byte[]> reply;
    try {
      reply = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
    } catch (IOException e) {
      throw new ApiException(
          "the coordinator at " + settings.url() + " does not answer: " + describe(e), e);
    }
    if (reply.statusCode() >= FIRST_ERROR_STATUS) {
      throw problem(request, reply);
    }
    try {
      return reader.read(reply);
    } catch (JsonProcessingException e) {
      throw new ApiException(
          "the reply of " + request.uri() + " is not understood: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new ApiException(
          "the reply of " + request.uri() + " cannot be used: " + describe(e), e);
    }
  }

  /**
   * Sends a request until there is a reply that can be read, or a refusal, or the policy's time is
   * over.
   *
   * @throws ApiException the refusal, or what went wrong last
   */
  <T> T repeatedly(HttpRequest request, Reader<T> reader)
      throws ApiException, InterruptedException {
    RetryPolicy retry = settings.retry();
    long deadline = System.nanoTime() + retry.maxElapsed().toNanos();
    Duration pause = retry.initialBackoff();
    for (int attempt = 1; ; attempt++) {
      try {
        return once(request, reader);
      } catch (ApiException e) {
        if (e.refused() || System.nanoTime() + pause.toNanos() > deadline) {
          throw e;
        }
        LOG.log(
            attempt == 1 ? System.Logger.Level.INFO : System.Logger.Level.DEBUG,
            "{0} {1} failed, will be tried again: {2}",
            request.method(),
            request.uri(),
            e.getMessage());
      }
      Thread.sleep(pause);
      pause = retry.next(pause);
    }
  }

  @Override
  public void close() {
    http.shutdownNow();
  }

  /** What problem+json says; where the reply is none, the status. */
  private static ApiException problem(HttpRequest request, HttpResponse<byte[]> reply) {
    int status = reply.statusCode();
    String fallback = request.method() + " " + request.uri() + ": status " + status;
    JsonNode problem;
    try {
      problem = Json.MAPPER.readTree(reply.body());
    } catch (JacksonException e) {
      LOG.log(System.Logger.Level.DEBUG, "the reply is no JSON", e);
      return new ApiException(status, null, null, fallback);
    } catch (IOException e) {
      throw new IllegalStateException("an array in memory cannot fail to be read", e);
    }
    String title = text(problem, "title");
    String detail = text(problem, "detail");
    String field = text(problem, "field");
    String words = detail != null ? detail : title;
    if (words == null) {
      return new ApiException(status, title, detail, fallback);
    }
    return new ApiException(
        status,
        title,
        detail,
        field == null || words.startsWith(field + ":") ? words : field + ": " + words);
  }

  private static String text(JsonNode problem, String field) {
    JsonNode value = problem.path(field);
    return value.isTextual() ? value.asText() : null;
  }

  private static String describe(IOException problem) {
    return problem.getMessage() == null ? problem.getClass().getSimpleName() : problem.getMessage();
  }
}
