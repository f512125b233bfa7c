package org.hetermoe.cli.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.hetermoe.api.ClientSettings;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.RunView;
import org.hetermoe.api.StepList;
import org.hetermoe.cli.report.JsonReport;
import org.hetermoe.cli.report.ProgressReport;
import org.hetermoe.cli.report.RunReport;
import org.hetermoe.run.Json;
import org.hetermoe.run.RunSpecReader;
import org.hetermoe.run.StepMetrics;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is told of a run, from a coordinator that plays back how one went. */
class RunFollowerTest {
  private static final UUID RUN = UUID.fromString("11111111-2222-3333-4444-555555555555");
  private static final Instant AT = Instant.parse("2026-01-02T03:04:05Z");

  private final List<RunView> views = new ArrayList<>();
  private final List<List<StepMetrics>> steps = new ArrayList<>();
  private final StringWriter json = new StringWriter();
  private final StringWriter text = new StringWriter();
  private HttpServer server;
  private int asked;

  @BeforeEach
  void startsCoordinator() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/api/v1/runs/" + RUN,
        exchange -> {
          String query = exchange.getRequestURI().getQuery();
          Object reply;
          if (query == null) {
            reply = views.get(Math.min(asked, views.size() - 1));
            asked++;
          } else {
            int from = Integer.parseInt(query.replaceAll(".*from=([0-9]+).*", "$1"));
            reply =
                new StepList(
                    steps.get(Math.min(asked - 1, steps.size() - 1)).stream()
                        .filter(step -> step.step() >= from)
                        .toList());
          }
          byte[] body = Json.MAPPER.writeValueAsString(reply).getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
  }

  @AfterEach
  void stopsCoordinator() {
    server.stop(0);
  }

  @Test
  void tellsEachStepOnceAndAllLossesInFullPrecision() throws Exception {
    // Given a run whose last step arrives after its end
    script(view("submitted", 1, 0));
    script(view("running", 1, 1), step(1, 1, 0.1 + 0.2, null));
    script(view("completed", 1, 2), step(1, 1, 0.1 + 0.2, null));
    script(view("completed", 1, 2), step(1, 1, 0.1 + 0.2, null), step(1, 2, 1.0 / 3, 2.5));

    // When
    RunView ended = follow();

    // Then
    List<JsonNode> lines = lines();
    assertThat(lines)
        .extracting(line -> line.path("event").asText())
        .containsExactly("run", "state", "step", "state", "step", "evaluation", "end");
    assertThat(json.toString()).contains("0.30000000000000004").contains("0.3333333333333333");
    JsonNode end = lines.getLast();
    assertThat(end.path("run").asText()).isEqualTo(RUN.toString());
    assertThat(end.path("state").asText()).isEqualTo("completed");
    assertThat(end.path("losses").get(0).asDouble()).isEqualTo(0.1 + 0.2);
    assertThat(end.path("losses").get(1).asDouble()).isEqualTo(1.0 / 3);
    assertThat(lines.get(2).path("tokens_per_second").asDouble()).isEqualTo(2048);
    assertThat(ended.state()).isEqualTo("completed");
    assertThat(text.toString()).contains("evaluation loss 2.5000 nats per byte");
  }

  @Test
  void takesStepsBeforeAResumeFromTheOldAttemptAndForgetsThoseThatAreDoneAgain() throws Exception {
    // Given a run that had reached step 2, was resumed from step 1, and did step 2 anew
    script(view("submitted", 1, 2), step(1, 1, 3, null), step(1, 2, 7, null));
    script(view("running", 2, 1), step(1, 1, 3, null));
    script(view("completed", 2, 2), step(1, 1, 3, null), step(2, 2, 2, null));

    // When
    follow();

    // Then
    List<JsonNode> lines = lines();
    assertThat(lines)
        .filteredOn(line -> line.path("event").asText().equals("step"))
        .extracting(line -> line.path("step").asInt())
        .containsExactly(2);
    assertThat(lines.getLast().path("losses").toString()).isEqualTo("[3.0,2.0]");
  }

  private RunView follow() throws Exception {
    URI url = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    RunReport report =
        RunReport.both(
            new ProgressReport(new PrintWriter(text, true), false),
            new JsonReport(new PrintWriter(json, true)));
    try (CoordinatorClient coordinator = new CoordinatorClient(ClientSettings.of(url))) {
      return new RunFollower(coordinator, report, RunFollower.Upkeep.NONE)
          .follow(view("submitted", 0, 0));
    }
  }

  private List<JsonNode> lines() throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : json.toString().lines().toList()) {
      lines.add(Json.MAPPER.readTree(line));
    }
    return lines;
  }

  private void script(RunView view, StepMetrics... known) {
    views.add(view);
    steps.add(List.of(known));
  }

  private static RunView view(String state, int attempt, int stepsDone) {
    return new RunView(
        RUN,
        "quickstart",
        state,
        "because",
        AT,
        AT,
        "0.1",
        attempt,
        2,
        stepsDone,
        null,
        null,
        null,
        RunSpecReader.defaults(),
        null,
        null,
        null);
  }

  private static StepMetrics step(int attempt, int step, double loss, Double evaluation) {
    return new StepMetrics(
        RUN,
        attempt,
        step,
        loss,
        loss,
        1,
        0,
        1,
        1e-3,
        4096,
        2,
        2048,
        0.5,
        0.25,
        evaluation,
        null,
        null,
        null,
        AT);
  }
}
