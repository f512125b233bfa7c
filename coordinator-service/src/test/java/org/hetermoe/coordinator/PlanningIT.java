package org.hetermoe.coordinator;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.awaitility.Awaitility;
import org.hetermoe.device.MeasuredProfile;
import org.hetermoe.device.MeasuredProfile.BothPasses;
import org.hetermoe.device.WorkCurve;
import org.hetermoe.group.Placement;
import org.hetermoe.run.Command;
import org.hetermoe.run.Event;
import org.hetermoe.run.FailureKind;
import org.hetermoe.run.Json;
import org.hetermoe.run.Topics;
import org.hetermoe.run.WorkerProfile;
import org.junit.jupiter.api.Test;

@QuarkusTest
@QuarkusTestResource(RealParts.class)
class PlanningIT extends ClusterCase {
  /** Of this test alone, since profiles outlast it. */
  private static final String DEVICE = "measured-here";

  private static final String LINKED = "measured-with-links";

  private static final String CRC_OF_A = "c1d04330";
  private static final String SHA_256_OF_A =
      "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

  @Inject DataSource database;

  private static final String EMULATED =
      """
      training: {steps: 100}
      workers: {attention: 1, experts: 2, expert_counts: [7, 1]}
      emulation: {attention: A40, experts: V100, time_scale: 10}
      """;

  @Test
  void plansForEmulatedDevicesAndMovesExpertsOnRequest() throws Exception {
    UUID id = submit(EMULATED);
    WorkerDouble attention = attention();
    WorkerDouble first = expert();
    WorkerDouble second = expert();
    attention.prepare(id, 1);
    first.prepare(id, 1);
    second.prepare(id, 1);
    awaitState(id, "running");

    // The plan says who owns what, and what that promises.
    JsonNode plan = get("/api/v1/runs/" + id + "/plan").path("plan");
    assertThat(plan.path("why").asText()).isEqualTo("as workers.expert_counts says");
    assertThat(plan.path("predicted_step_seconds").asDouble()).isPositive();
    assertThat(plan.path("bound_fraction").asDouble()).isBetween(0.01, 1.0);
    assertThat(plan.path("workers").get(0).path("device").asText()).isEqualTo("A40");
    assertThat(plan.path("workers").get(1).path("experts_per_layer").toString())
        .isEqualTo("[7,7,7,7]");
    double before = plan.path("predicted_step_seconds").asDouble();

    // Steps are held against it.
    attention.step(id, 1, 1, null);
    attention.step(id, 1, 2, null);
    awaitSteps(id, 2);
    JsonNode measured = get("/api/v1/runs/" + id + "/plan").path("measured");
    assertThat(measured.path("steps").asInt()).isEqualTo(2);
    assertThat(measured.path("step_seconds").asDouble()).isEqualTo(0.5);
    assertThat(measured.path("difference").asDouble()).isEqualTo(0.5 / before - 1);

    // When experts are to move where the planner wants them
    JsonNode asked = post("/api/v1/runs/" + id + "/rebalance", 202);
    assertThat(asked.path("predicted_step_seconds").asDouble()).isLessThan(before);
    Placement placement = attention.await(Command.Rebalance.class, id, 1).placement();
    assertThat(Json.MAPPER.valueToTree(placement).toString())
        .isEqualTo(asked.path("placement").toString());
    assertThat(first.commands(Command.Rebalance.class, id, 1)).isEmpty();

    // Then the plan waits until the workers follow it
    assertThat(get("/api/v1/runs/" + id + "/plan").path("pending").path("number").asInt())
        .isEqualTo(1);
    attention.report(new Event.Moved(id, 1, attention.id(), 2, placement, 0.25));
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(
            () ->
                assertThat(get("/api/v1/runs/" + id + "/plan").path("plan").path("number").asInt())
                    .isEqualTo(1));
    JsonNode moved = get("/api/v1/runs/" + id + "/plan");
    assertThat(moved.path("plan").path("from_step").asInt()).isEqualTo(2);
    assertThat(moved.path("plan").path("move_seconds").asDouble()).isEqualTo(0.25);
    assertThat(moved.has("pending")).isFalse();
    assertThat(moved.has("measured")).isFalse();
    assertThat(moved.path("earlier")).hasSize(1);
    assertThat(get("/api/v1/runs/" + id + "/placement").path("placement").toString())
        .isEqualTo(asked.path("placement").toString());

    // And what does not fit is refused
    refused(id, "{\"expert_counts\": [7]}", 400, "expert_counts");
    refused(id, "{\"expert_counts\": [-1, 9]}", 400, "expert_counts");
    refused(id, "{\"placement\": [[\"expert-0\"]]}", 400, "placement");
    refused(id, "{\"placement\": [[\"nobody\"]]}", 400, "placement");
    refused(id, "{\"placement\": null}", 400, "placement");
    refused(id, "{\"expert_counts\": {\"a\": 4, \"b\": 4}}", 400, "expert_counts");
    refused(id, "{\"expert_counts\": [2147483647, 2147483647]}", 400, "expert_counts");
    refused(id, "{\"counts\": 3}", 400, "body");
    refused(id, "[", 400, "body");
    assertThat(body(id, "{\"expert_counts\": [4, 4]}").statusCode()).isEqualTo(202);

    // Nor is a second move ordered before the workers have made the first
    assertThat(post("/api/v1/runs/" + id + "/rebalance", 409).path("detail").asText())
        .contains("about to move already");

    attention.finish(100, false);
    first.finish(100, false);
    second.finish(100, false);
    awaitState(id, "completed");
    assertThat(post("/api/v1/runs/" + id + "/rebalance", 409).path("detail").asText())
        .contains("is not running");
  }

  /** Its report was lost, or the order to move was. */
  @Test
  void movesAgainWhereNobodySaysForLongThatExpertsHaveMoved() throws Exception {
    UUID id = submit(EMULATED);
    WorkerDouble attention = attention();
    WorkerDouble first = expert();
    WorkerDouble second = expert();
    start(id, 1, attention, first, second);
    post("/api/v1/runs/" + id + "/rebalance", 202);
    attention.await(Command.Rebalance.class, id, 1);
    assertThat(body(id, "{\"expert_counts\": [4, 4]}").statusCode()).isEqualTo(409);

    // When more than a minute has passed
    try (Connection connection = database.getConnection();
        PreparedStatement age =
            connection.prepareStatement(
                """
                update run_plan set created_at = created_at - interval '61 s', plan = jsonb_set(
                  plan, '{at}', to_jsonb(to_char(
                    created_at - interval '61 s', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')))
                where run_id = ? and from_step is null
                """)) {
      age.setObject(1, id);
      assertThat(age.executeUpdate()).isEqualTo(1);
    }

    // Then another move can be ordered, and is what the run waits for
    assertThat(body(id, "{\"expert_counts\": [4, 4]}").statusCode()).isEqualTo(202);
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(
            () -> assertThat(attention.commands(Command.Rebalance.class, id, 1)).hasSize(2));
    assertThat(get("/api/v1/runs/" + id + "/plan").path("pending").path("number").asInt())
        .isEqualTo(2);
    Placement even = Placement.ofCounts(4, List.of(4, 4));
    attention.report(new Event.Moved(id, 1, attention.id(), 2, even, 0.25));
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(
            () -> {
              JsonNode plan = get("/api/v1/runs/" + id + "/plan");
              assertThat(plan.path("plan").path("number").asInt()).isEqualTo(2);
              assertThat(plan.has("pending")).isFalse();
            });
    finish(id, 100, attention, first, second);
  }

  @Test
  void plansAResumedRunByTheLoadsOfItsLastSteps() {
    UUID id =
        submit(
            """
            training: {steps: 100}
            workers: {attention: 1, experts: 2}
            planning: {planner: best, rebalance: false, asym_ea: false}
            emulation: {attention: A40, experts: V100, time_scale: 10}
            """);
    WorkerDouble attention = attention();
    WorkerDouble first = expert();
    WorkerDouble second = expert();
    start(id, 1, attention, first, second);
    JsonNode fresh = get("/api/v1/runs/" + id + "/plan").path("plan");
    assertThat(fresh.path("why").asText()).doesNotContain("loads");

    // When nearly all rows go to one expert up to the checkpoint, and to another after it
    for (int step = 1; step <= 3; step++) {
      attention.stepWithRows(id, 1, step, skewed(0));
    }
    attention.stepWithRows(id, 1, 4, skewed(7));
    awaitSteps(id, 4);
    checkpoint(id, 3, "attention-0", "expert-0", "expert-1");
    attention.report(new Event.Failed(id, 1, attention.id(), FailureKind.SOFTWARE, "a fault"));
    awaitState(id, "failed");
    attention.rest();
    first.rest();
    second.rest();
    post("/api/v1/runs/" + id + "/resume", 202);
    attention.prepare(id, 2);
    first.prepare(id, 2);
    second.prepare(id, 2);
    awaitState(id, "running");

    // Then that is what the plan goes by
    JsonNode resumed = get("/api/v1/runs/" + id + "/plan").path("plan");
    assertThat(resumed.path("why").asText()).endsWith(", by the loads of steps 1 to 3");
    assertThat(resumed.path("predicted_step_seconds").asDouble())
        .isNotEqualTo(fresh.path("predicted_step_seconds").asDouble());
    finish(id, 100, attention, first, second);
  }

  /** Rows of 4 layers of 8 experts, of which one has nearly all. */
  private static List<List<Long>> skewed(int expert) {
    List<Long> layer =
        IntStream.range(0, 8).mapToObj(each -> each == expert ? 1_000_000L : 1_000L).toList();
    return Collections.nCopies(4, layer);
  }

  private static void checkpoint(UUID id, int step, String... shards) {
    for (String shard : shards) {
      String path = "/api/v1/runs/" + id + "/checkpoints/" + step + "/shards/" + shard;
      given()
          .contentType("application/octet-stream")
          .header("X-Checksum-Crc32c", CRC_OF_A)
          .body("a".getBytes(StandardCharsets.UTF_8))
          .put(path + "/chunks/0?attempt=1")
          .then()
          .statusCode(204);
      given()
          .contentType("application/json")
          .body(
              "{\"bytes\": 1, \"sha256\": \"%s\", \"chunks\": 1, \"tensors\": [\"a\"]}"
                  .formatted(SHA_256_OF_A))
          .post(path + "?attempt=1")
          .then()
          .statusCode(204);
    }
  }

  @Test
  void plansByProfilesThatWorkersReportAndSaysWhereThereIsNone() {
    UUID without = submit("{training: {steps: 4}}");
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    attention.computeOn(DEVICE);
    expert.computeOn(DEVICE);
    attention.prepare(without, 1);
    expert.prepare(without, 1);
    awaitState(without, "running");
    JsonNode blind = get("/api/v1/runs/" + without + "/plan").path("plan");
    assertThat(blind.path("why").asText()).contains("there is no profile of attention worker");
    assertThat(blind.has("predicted_step_seconds")).isFalse();
    attention.finish(4, false);
    expert.finish(4, false);
    awaitState(without, "completed");

    // When the device of these workers has been measured
    attention.profile(measured(DEVICE, "older"));
    attention.profile(measured(DEVICE, "test"));
    awaitProfile(DEVICE);
    assertThat(get("/api/v1/profiles?device=" + DEVICE).path("profiles"))
        .as("profiles of other software have expired")
        .hasSize(1);

    // Then runs are planned by it
    UUID with = submit("{training: {steps: 4}}");
    attention.prepare(with, 1);
    expert.prepare(with, 1);
    awaitState(with, "running");
    JsonNode plan = get("/api/v1/runs/" + with + "/plan").path("plan");
    assertThat(plan.path("planner").asText()).isEqualTo("best");
    assertThat(plan.path("predicted_step_seconds").asDouble()).isPositive();
    assertThat(plan.path("workers").get(1).path("predicted_busy").asDouble()).isPositive();
    attention.finish(4, false);
    expert.finish(4, false);
    awaitState(with, "completed");
  }

  @Test
  void plansByLinksThatWorkersMeasuredAndElseByTheSetting() {
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    attention.computeOn(LINKED);
    expert.computeOn(LINKED);
    attention.profile(measured(LINKED, "test"));
    awaitProfile(LINKED);

    // Nothing is measured yet
    JsonNode set = planOf("{training: {steps: 4}}", attention, expert);
    assertThat(set.path("workers").get(0).path("link").toString())
        .isEqualTo("{\"bytes_per_second\":2.0E9,\"latency_seconds\":1.0E-4,\"measured\":false}");

    // When the pair is measured, and measured again
    attention.sendGarbage(Topics.LINKS, "[]");
    attention.sendGarbage(Topics.LINKS, "{\"from\":\"a\",\"to\":\"b\"}");
    expert.measured(attention, 3e9, 2e-5);
    expert.measured(attention, 1e6, 5e-3);
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(
            () ->
                assertThat(links(attention).path(0).path("bytes_per_second").asDouble())
                    .isEqualTo(1e6));
    assertThat(links(expert)).hasSize(1);
    JsonNode link = links(expert).get(0);
    assertThat(link.path("to").asText()).isEqualTo(attention.id());
    assertThat(link.path("latency_seconds").asDouble()).isEqualTo(5e-3);
    assertThat(Instant.parse(link.path("measured_at").asText()))
        .isAfter(Instant.now().minusSeconds(60));

    // Then runs over the direct channel are planned by it, and others are not
    JsonNode slow = planOf("{training: {steps: 4}}", attention, expert);
    assertThat(slow.path("workers").get(1).path("link").toString())
        .isEqualTo("{\"bytes_per_second\":1000000.0,\"latency_seconds\":0.005,\"measured\":true}");
    assertThat(slow.path("predicted_step_seconds").asDouble())
        .isGreaterThan(1.2 * set.path("predicted_step_seconds").asDouble());
    JsonNode kafka = planOf("{training: {steps: 4}, channel: kafka}", attention, expert);
    assertThat(kafka.path("workers").get(0).path("link").path("measured").asBoolean()).isFalse();
    JsonNode emulated =
        planOf(
            "{training: {steps: 4}, emulation: {experts: V100, time_scale: 10}}",
            attention,
            expert);
    assertThat(emulated.path("workers").get(0).path("link").path("measured").asBoolean()).isFalse();
  }

  private static JsonNode planOf(String yaml, WorkerDouble attention, WorkerDouble expert) {
    UUID id = submit(yaml);
    start(id, 1, attention, expert);
    JsonNode plan = get("/api/v1/runs/" + id + "/plan").path("plan");
    finish(id, 4, attention, expert);
    return plan;
  }

  private static JsonNode links(WorkerDouble worker) {
    for (JsonNode view : get("/api/v1/workers").path("workers")) {
      if (view.path("worker").asText().equals(worker.id())) {
        return view.path("links");
      }
    }
    throw new AssertionError(worker.id() + " is not known");
  }

  @Test
  void refusesToEmulateWhatTheCatalogueDoesNotKnow() {
    Response response =
        given()
            .contentType("application/yaml")
            .body("emulation: {experts: V9000}".getBytes(StandardCharsets.UTF_8))
            .post("/api/v1/runs");

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(response.path("field").toString()).isEqualTo("emulation.experts");
    assertThat(response.path("detail").toString()).contains("V9000").contains("A40");
  }

  private static void awaitProfile(String device) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(
            () ->
                assertThat(
                        get("/api/v1/profiles?device=" + device + "&software_version=test")
                            .path("profiles"))
                    .hasSize(1));
  }

  private static void refused(UUID id, String body, int status, String field) {
    Response response = body(id, body);
    assertThat(response.statusCode()).as(response.asString()).isEqualTo(status);
    assertThat(response.path("field").toString()).isEqualTo(field);
  }

  private static Response body(UUID id, String body) {
    return given()
        .contentType("application/json")
        .body(body)
        .post("/api/v1/runs/" + id + "/rebalance");
  }

  private static WorkerProfile measured(String device, String softwareVersion) {
    WorkCurve curve = new WorkCurve(List.of(new WorkCurve.Point(1e6, 1e-3)));
    BothPasses both = new BothPasses(curve, curve);
    return new WorkerProfile(
        device,
        softwareVersion,
        new MeasuredProfile(device, 1L << 34, both, both, both, both, both, curve),
        null,
        Instant.parse("2026-01-01T00:00:00Z"));
  }
}
