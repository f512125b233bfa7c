package org.hetermoe.coordinator;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@QuarkusTest
@QuarkusTestResource(RealParts.class)
class RequestsIT extends ClusterCase {
  private static final String UNKNOWN = "00000000-0000-4000-8000-000000000000";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "application/json | {\"nmae\": \"x\"} | nmae",
        "application/json | {\"model\": {\"hidden\": -4}} | model.hidden",
        "application/json | {\"model\": {\"experts\": 4, \"top_k\": 5}} | model.top_k",
        "application/json | {\"model\": {\"heads\": 3, \"kv_heads\": 2}} | model.kv_heads",
        "application/json | {\"model\": {\"layers\": \"many\"}} | model.layers",
        "application/json | {\"training\": {\"micro_batches\": 99}} | training.micro_batches",
        "application/json | {\"workers\": {\"expert_counts\": [1, 2]}} | workers.expert_counts",
        "application/json | {\"model\": {\"hidden\": 12 | run file",
        "application/json | [] | run file",
        "application/yaml | channel: pigeon | channel",
        "application/yaml | optimizer: {learning_rate: 0} | optimizer.learning_rate",
        "application/yaml | data: {held_out: 2} | data.held_out",
        "application/x-yaml | data: {source: /no/such/file.txt} | data.source",
        "text/yaml | data: {tokenizer: /no/such/tokenizer.json} | data.tokenizer",
        "text/yaml | seed: [1 | run file",
      })
  void namesTheFieldOfAMalformedRunFile(String type, String body, String field) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    assertProblem(given().contentType(type).body(bytes).post("/api/v1/runs"), 400, field);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "GET | /api/v1/runs?limit=0 | 400 | limit",
        "GET | /api/v1/runs?limit=ten | 400 | limit",
        "GET | /api/v1/runs?state=asleep | 400 | state",
        "GET | /api/v1/runs?before=xyz | 400 | before",
        "GET | /api/v1/runs/not-a-run | 400 | id",
        "GET | /api/v1/runs/abc | 400 | id",
        "GET | /api/v1/runs/" + UNKNOWN + " | 404 |",
        "GET | /api/v1/runs/" + UNKNOWN + "/steps | 404 |",
        "GET | /api/v1/runs/" + UNKNOWN + "/steps?from=-1 | 400 | from",
        "GET | /api/v1/runs/" + UNKNOWN + "/placement | 404 |",
        "GET | /api/v1/runs/" + UNKNOWN + "/checkpoints | 404 |",
        "POST | /api/v1/runs/" + UNKNOWN + "/stop | 404 |",
        "POST | /api/v1/runs/" + UNKNOWN + "/resume | 404 |",
        "DELETE | /api/v1/runs | 405 |",
        "PUT | /api/v1/workers | 405 |",
        "GET | /api/v1/nothing | 404 |",
        "GET | /nothing/at/all | 404 |",
      })
  void answersEveryErrorWithAProblem(String method, String path, int status, String field) {
    assertProblem(given().request(method, path), status, field);
  }

  @Test
  void answersBodiesThatItCannotTakeWithAProblem() {
    assertProblem(given().contentType("text/html").body("<p>").post("/api/v1/runs"), 415, null);
    assertProblem(given().contentType("application/json").post("/api/v1/runs"), 400, "run file");
    assertProblem(given().accept("image/png").get("/api/v1/runs"), 406, null);
    String shard = "/api/v1/runs/" + UNKNOWN + "/checkpoints/1/shards/expert-0";
    assertProblem(
        given().contentType("application/json").body("{").post(shard + "?attempt=1"), 400, null);
    assertProblem(
        given()
            .contentType("application/json")
            .body("{\"bytes\": \"a\", \"sha256\": \"\", \"chunks\": 1, \"tensors\": []}")
            .post(shard + "?attempt=1"),
        400,
        "bytes");
    assertProblem(
        given()
            .contentType("application/json")
            .body("{\"bytes\": 1, \"sha256\": \"xyz\", \"chunks\": 1, \"tensors\": []}")
            .post(shard + "?attempt=1"),
        400,
        "sha256");
    assertProblem(given().contentType("application/json").post(shard + "?attempt=1"), 404, null);
    assertProblem(
        given().contentType("application/octet-stream").body(new byte[3]).put(shard + "/chunks/0"),
        400,
        "attempt");
    assertProblem(
        given()
            .contentType("application/octet-stream")
            .body(new byte[11 << 20])
            .put(shard + "/chunks/0?attempt=1"),
        413,
        null);
    assertProblem(
        given()
            .contentType("application/octet-stream")
            .body(new byte[3])
            .put(shard + "/chunks/-1?attempt=1"),
        400,
        "index");
  }

  @Test
  void pagesThroughRunsNewestFirst() {
    List<String> submitted = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      // More workers than there will be, so that they stay where they are.
      submitted.addFirst(submit("{name: page, workers: {attention: 40}}").toString());
    }

    JsonNode first = get("/api/v1/runs?limit=2&state=submitted").path("runs");
    String last = first.get(1).path("id").asText();
    JsonNode second = get("/api/v1/runs?limit=3&state=submitted&before=" + last).path("runs");

    assertThat(first.findValuesAsText("id")).isEqualTo(submitted.subList(0, 2));
    assertThat(second.findValuesAsText("id")).isEqualTo(submitted.subList(2, 5));
    assertThat(first.get(0).has("spec")).isFalse();
    assertThat(first.get(0).path("history")).isEmpty();
    // An id may be shortened.
    assertThat(run8(submitted.getFirst())).isEqualTo(submitted.getFirst());
    for (String id : submitted) {
      post("/api/v1/runs/" + id + "/stop", 202);
    }
    assertThat(get("/api/v1/runs?state=stopped&limit=5").path("runs").findValuesAsText("id"))
        .isEqualTo(submitted);
  }

  @Test
  void answersASubmissionWithTheResolvedRun() {
    Response response =
        given()
            .contentType("application/json")
            .body("{\"name\": \"resolved\", \"workers\": {\"attention\": 40}}")
            .post("/api/v1/runs");

    assertThat(response.statusCode()).isEqualTo(201);
    JsonNode run = json(response);
    assertThat(response.header("Location")).endsWith("/api/v1/runs/" + run.path("id").asText());
    assertThat(run.path("state").asText()).isEqualTo("submitted");
    assertThat(run.path("software_version").asText()).isNotEmpty();
    assertThat(run.path("spec").path("model").path("kv_heads").asInt()).isEqualTo(2);
    assertThat(run.path("created_at").asText()).matches("\\d{4}-\\d\\d-\\d\\dT.*Z");
    UUID id = UUID.fromString(run.path("id").asText());
    assertProblem(given().get("/api/v1/runs/" + id + "/placement"), 404, null);
    post("/api/v1/runs/" + id + "/stop", 202);
  }

  @Test
  void describesItselfAndTellsHowItIs() {
    Response description = given().accept("application/json").get("/q/openapi");
    JsonNode paths = json(description).path("paths");
    assertThat(paths.fieldNames())
        .toIterable()
        .contains(
            "/api/v1/runs",
            "/api/v1/runs/{id}/stop",
            "/api/v1/runs/{id}/checkpoints/{step}/shards/{shard}/chunks/{index}",
            "/api/v1/workers");
    assertThat(paths.path("/api/v1/runs").path("post").path("requestBody").path("content"))
        .hasSizeGreaterThanOrEqualTo(2);
    assertThat(json(given().get("/q/health")).path("status").asText()).isEqualTo("UP");
    assertThat(given().get("/q/metrics").asString())
        .contains("hetermoe_workers_alive{role=\"expert\"")
        .contains("hetermoe_steps_received_total")
        .contains("hetermoe_checkpoint_bytes_written_total");
  }

  private static String run8(String id) {
    return get("/api/v1/runs/" + id.substring(0, 8)).path("id").asText();
  }

  private static void assertProblem(Response answer, int status, String field) {
    assertThat(answer.statusCode()).as(answer.asString()).isEqualTo(status);
    assertThat(answer.contentType()).isEqualTo("application/problem+json");
    JsonNode problem = json(answer);
    assertThat(problem.path("status").asInt()).isEqualTo(status);
    assertThat(problem.path("title").asText()).isNotEmpty();
    assertThat(problem.path("detail").asText()).isNotEmpty();
    assertThat(answer.asString()).doesNotContain("org.hetermoe", "\tat ");
    if (field != null) {
      assertThat(problem.path("field").asText()).isEqualTo(field);
      assertThat(problem.path("detail").asText()).startsWith(field);
    }
  }
}
