package org.hetermoe.coordinator.problem;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import org.hetermoe.api.Problem;
import org.hetermoe.run.Json;

/**
 * Problem details for bodies that are too large for any resource. (An address that is not even a
 * URI is refused before all this, by the server, with a status alone.)
 */
@ApplicationScoped
class RouterProblems {
  /** Before the limit of the server itself, which answers with no body. */
  private static final int FIRST = -1_000;

  /** More than any resource takes. */
  private static final long LARGEST_BODY = 10L << 20;

  void install(@Observes Router router) {
    router.route().order(FIRST).handler(RouterProblems::checkLength);
  }

  private static void checkLength(RoutingContext request) {
    String length = request.request().getHeader(HttpHeaders.CONTENT_LENGTH);
    // The server has checked that it is a number.
    if (length != null && Long.parseLong(length) > LARGEST_BODY) {
      request.response().putHeader(HttpHeaders.CONNECTION, "close");
      answer(
          request.response(),
          Problem.of(413, "A body may have " + LARGEST_BODY + " bytes, this one has " + length));
    } else {
      request.next();
    }
  }

  private static void answer(HttpServerResponse response, Problem problem) {
    try {
      response
          .setStatusCode(problem.status())
          .putHeader(HttpHeaders.CONTENT_TYPE, Problem.MEDIA_TYPE)
          .end(Json.MAPPER.writeValueAsString(problem));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a problem is always JSON", e);
    }
  }
}
