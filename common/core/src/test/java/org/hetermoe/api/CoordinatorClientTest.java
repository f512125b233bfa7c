package org.hetermoe.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.run.Json;
import org.hetermoe.run.RunSpecReader;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The client against a real HTTP server that plays the coordinator. */
@Timeout(30)
class CoordinatorClientTest {
  private static final UUID RUN = UUID.fromString("11111111-2222-3333-4444-555555555555");
  private static final RetryPolicy QUICK =
      new RetryPolicy(Duration.ofSeconds(5), Duration.ofMillis(5), Duration.ofMillis(20));

  private final Queue<Reply> replies = new ArrayDeque<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final List<String> bodies = new CopyOnWriteArrayList<>();
  private HttpServer server;
  private CoordinatorClient client;

  private record Reply(int status, String body) {}

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::handle);
    server.start();
    client = new CoordinatorClient(ClientSettings.of(url("/")).withRetry(QUICK));
  }

  @AfterEach
  void stop() {
    client.close();
    server.stop(0);
  }

  @Test
  void asksEachEndpointWhereTheCoordinatorHasIt() throws Exception {
    reply(200, "{\"runs\":[]}");
    reply(200, "{\"steps\":[]}");
    reply(200, "{\"checkpoints\":[]}");
    reply(200, "{\"workers\":[]}");
    reply(200, "{\"profiles\":[]}");
    reply(404, "{\"status\":404,\"detail\":\"no plan yet\"}");
    reply(404, "{\"status\":404,\"detail\":\"not placed yet\"}");

    assertThat(client.runs(7)).isEmpty();
    assertThat(client.steps(RUN, 3)).isEmpty();
    assertThat(client.checkpoints(RUN)).isEmpty();
    assertThat(client.workers()).isEmpty();
    assertThat(client.profiles("Xeon @ 2.1 GHz", "0.1+x")).isEmpty();
    assertThat(client.plan(RUN)).isEmpty();
    assertThat(client.placement(RUN)).isEmpty();

    assertThat(requests)
        .containsExactly(
            "GET /api/v1/runs?limit=7",
            "GET /api/v1/runs/" + RUN + "/steps?from=3&limit=1000",
            "GET /api/v1/runs/" + RUN + "/checkpoints",
            "GET /api/v1/workers",
            "GET /api/v1/profiles?device=Xeon+%40+2.1+GHz&software_version=0.1%2Bx",
            "GET /api/v1/runs/" + RUN + "/plan",
            "GET /api/v1/runs/" + RUN + "/placement");
  }

  @Test
  void aRunComesBackAsTheCoordinatorWritesItAndWhatANewerOneAddsIsIgnored() throws Exception {
    RunView view = view("running");
    reply(200, json(view));
    reply(200, json(view).replaceFirst("\\{", "{\"invented_later\":{\"a\":[1]},"));

    assertThat(client.run(RUN)).isEqualTo(view);
    assertThat(client.run("1111")).isEqualTo(view);

    assertThat(requests).containsExactly("GET /api/v1/runs/" + RUN, "GET /api/v1/runs/1111");
  }

  @Test
  void commandsCarryTheirBody() throws Exception {
    reply(201, json(view("submitted")));
    reply(202, json(view("stopping")));
    reply(409, "{}");

    client.submit(RunSpecReader.defaults());
    client.stop(RUN);
    assertThatExceptionOfType(ApiException.class)
        .isThrownBy(() -> client.rebalance(RUN, RebalanceRequest.ofCounts(List.of(3, 5))));

    assertThat(requests)
        .containsExactly(
            "POST /api/v1/runs",
            "POST /api/v1/runs/" + RUN + "/stop",
            "POST /api/v1/runs/" + RUN + "/rebalance");
    assertThat(Json.MAPPER.readTree(bodies.getFirst()))
        .isEqualTo(Json.MAPPER.readTree(json(RunSpecReader.defaults())));
    assertThat(bodies.get(1)).isEmpty();
    assertThat(bodies.get(2)).isEqualTo("{\"expert_counts\":[3,5]}");
  }

  @Test
  void aProblemBecomesAnExceptionWithStatusTitleAndDetail() {
    reply(
        400,
        "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
            + "\"detail\":\"must be 1 or more, is 0\",\"field\":\"limit\"}");

    assertThatExceptionOfType(ApiException.class)
        .isThrownBy(() -> client.runs(0))
        .withMessage("limit: must be 1 or more, is 0")
        .satisfies(
            problem -> {
              assertThat(problem.status()).isEqualTo(400);
              assertThat(problem.title()).isEqualTo("Bad Request");
              assertThat(problem.detail()).isEqualTo("must be 1 or more, is 0");
              assertThat(problem.refused()).isTrue();
            });
    assertThat(requests).as("a refusal is final").hasSize(1);
  }

  @Test
  void aFieldThatTheDetailNamesAlreadyIsNamedOnce() {
    reply(400, "{\"status\":400,\"detail\":\"body: is not JSON\",\"field\":\"body\"}");

    assertThatThrownBy(() -> client.runs(1)).hasMessage("body: is not JSON");
  }

  @Test
  void whereThereAreNoWordsTheStatusIsSaid() {
    reply(403, "<html>not here</html>");

    assertThatThrownBy(() -> client.runs(1))
        .hasMessage("GET " + url("/api/v1/runs?limit=1") + ": status 403");
  }

  @Test
  void whatOnlyReadsIsRepeatedUntilTheCoordinatorIsBack() throws Exception {
    reply(503, "{\"status\":503,\"detail\":\"starting\"}");
    reply(200, "not json");
    reply(200, "{\"runs\":[]}");

    assertThat(client.runs(1)).isEmpty();

    assertThat(requests).hasSize(3);
  }

  @Test
  void whatWouldDoSomethingTwiceIsSentOnce() {
    reply(503, "{\"status\":503,\"detail\":\"starting\"}");

    assertThatExceptionOfType(ApiException.class)
        .isThrownBy(() -> client.submit(RunSpecReader.defaults()))
        .withMessage("starting")
        .satisfies(problem -> assertThat(problem.refused()).isFalse());
    assertThat(requests).hasSize(1);
  }

  @Test
  void repeatingEnds() {
    CoordinatorClient once =
        new CoordinatorClient(ClientSettings.of(url("")).withRetry(RetryPolicy.NONE));
    server.stop(0);

    assertThatExceptionOfType(ApiException.class)
        .isThrownBy(() -> once.runs(1))
        .withMessageStartingWith("the coordinator at " + url("") + " does not answer: ")
        .satisfies(problem -> assertThat(problem.status()).isZero());
    once.close();
  }

  @Test
  void aReplyThatDoesNotComeInTimeIsNotWaitedFor() throws IOException {
    HttpServer silent =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    try (CoordinatorClient impatient =
        new CoordinatorClient(
            ClientSettings.of(URI.create("http://127.0.0.1:" + silent.getAddress().getPort()))
                .withRequestTimeout(Duration.ofMillis(100))
                .withRetry(RetryPolicy.NONE))) {
      assertThatExceptionOfType(ApiException.class)
          .isThrownBy(() -> impatient.runs(1))
          .withMessageContaining("does not answer")
          .withMessageContaining("timed out");
    } finally {
      silent.stop(0);
    }
  }

  @Test
  void settingsThatCannotBeUsedAreNamed() {
    assertThatThrownBy(() -> ClientSettings.of(URI.create("nonsense")))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessage("url: must be an address like http://localhost:8080, is nonsense");
    assertThatThrownBy(() -> ClientSettings.of(url("")).withRequestTimeout(Duration.ZERO))
        .hasMessageStartingWith("request_timeout: must be positive");
    assertThatThrownBy(
            () -> new RetryPolicy(Duration.ZERO, Duration.ofMillis(2), Duration.ofMillis(1)))
        .hasMessageStartingWith("max_backoff: must be at least");
  }

  private URI url(String path) {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + path);
  }

  private void reply(int status, String body) {
    replies.add(new Reply(status, body));
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      requests.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
      bodies.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
      Reply reply = replies.remove();
      byte[] body = reply.body.getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(reply.status, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  private static RunView view(String state) {
    Instant at = Instant.parse("2026-01-02T03:04:05Z");
    return new RunView(
        RUN,
        "quickstart",
        state,
        "because",
        at,
        at,
        "0.1",
        1,
        2,
        1,
        0.5,
        null,
        null,
        RunSpecReader.defaults(),
        null,
        null,
        null);
  }

  private static String json(Object value) throws IOException {
    return Json.MAPPER.writeValueAsString(value);
  }
}
