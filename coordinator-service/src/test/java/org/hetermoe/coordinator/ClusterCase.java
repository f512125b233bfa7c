package org.hetermoe.coordinator;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.restassured.response.Response;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.eclipse.microprofile.config.ConfigProvider;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Json;
import org.junit.jupiter.api.AfterEach;

/** What tests with workers have in common: making them, and asking the coordinator over REST. */
abstract class ClusterCase {
  static final String ONE_AND_ONE =
      """
      name: one and one
      training: {steps: 4}
      """;
  static final String ONE_AND_TWO =
      """
      name: one and two
      training: {steps: 4}
      workers: {attention: 1, experts: 2}
      """;

  private static final AtomicInteger COUNTER = new AtomicInteger();
  private static final List<UUID> SUBMITTED = new ArrayList<>();
  private final List<WorkerDouble> workers = new ArrayList<>();

  /** A run that is left behind would recover with the workers of other tests. */
  @AfterEach
  void leave() {
    List<UUID> submitted = List.copyOf(SUBMITTED);
    SUBMITTED.clear();
    for (UUID run : submitted) {
      assertThat(given().post("/api/v1/runs/" + run + "/stop").statusCode()).isIn(202, 409);
    }
    workers.forEach(WorkerDouble::close);
  }

  /** A run that needs no stopping when the test is over. */
  static void forget(UUID run) {
    SUBMITTED.remove(run);
  }

  WorkerDouble attention() {
    return worker(WorkerRank.Role.ATTENTION, "attention-");
  }

  WorkerDouble expert() {
    return worker(WorkerRank.Role.EXPERT, "expert-");
  }

  private WorkerDouble worker(WorkerRank.Role role, String prefix) {
    int number = COUNTER.getAndIncrement();
    WorkerDouble worker =
        new WorkerDouble(
            ConfigProvider.getConfig().getValue("kafka.bootstrap.servers", String.class),
            role,
            prefix + number,
            number % 64);
    workers.add(worker);
    return worker;
  }

  static UUID submit(String yaml) {
    Response response =
        given()
            .contentType("application/yaml")
            .body(yaml.getBytes(StandardCharsets.UTF_8))
            .post("/api/v1/runs");
    assertThat(response.statusCode()).as(response.asString()).isEqualTo(201);
    UUID id = UUID.fromString(json(response).path("id").asText());
    SUBMITTED.add(id);
    return id;
  }

  static JsonNode run(UUID id) {
    return get("/api/v1/runs/" + id);
  }

  static JsonNode get(String path) {
    Response response = given().get(path);
    assertThat(response.statusCode()).as(path + ": " + response.asString()).isEqualTo(200);
    return json(response);
  }

  static JsonNode post(String path, int status) {
    Response response = given().post(path);
    assertThat(response.statusCode()).as(path + ": " + response.asString()).isEqualTo(status);
    return json(response);
  }

  static JsonNode awaitState(UUID id, String state) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(20))
        .pollInterval(Duration.ofMillis(50))
        .untilAsserted(() -> assertThat(run(id).path("state").asText()).isEqualTo(state));
    return run(id);
  }

  static void awaitReason(UUID id, String reason) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(15))
        .pollInterval(Duration.ofMillis(50))
        .untilAsserted(() -> assertThat(run(id).path("reason").asText()).isEqualTo(reason));
  }

  static void awaitSteps(UUID id, int steps) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .pollInterval(Duration.ofMillis(50))
        .untilAsserted(() -> assertThat(run(id).path("steps_done").asInt()).isEqualTo(steps));
  }

  /** Workers take up an attempt and prepare, until it runs. */
  static void start(UUID id, int attempt, WorkerDouble... workers) {
    for (WorkerDouble worker : workers) {
      worker.prepare(id, attempt);
    }
    awaitState(id, "running");
  }

  /** Workers report that they have done all steps, until the run is completed. */
  static JsonNode finish(UUID id, int steps, WorkerDouble... workers) {
    for (WorkerDouble worker : workers) {
      worker.finish(steps, false);
    }
    return awaitState(id, "completed");
  }

  static JsonNode json(Response response) {
    try {
      return Json.MAPPER.readTree(response.asByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static List<String> states(JsonNode run) {
    List<String> states = new ArrayList<>();
    run.path("history").forEach(change -> states.add(change.path("state").asText()));
    return states;
  }
}
