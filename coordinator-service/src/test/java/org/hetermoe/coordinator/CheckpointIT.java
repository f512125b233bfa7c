package org.hetermoe.coordinator;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.zip.CRC32C;
import javax.sql.DataSource;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.Command;
import org.hetermoe.run.Event;
import org.hetermoe.run.FailureKind;
import org.junit.jupiter.api.Test;

@QuarkusTest
@QuarkusTestResource(RealParts.class)
class CheckpointIT extends ClusterCase {
  private static final String SHARD = "1/shards/attention-0";

  /** Twice as many as the pool has connections. */
  private static final int READERS = 32;

  private static final int CHUNK = 1 << 20;

  @Inject DataSource database;

  private WorkerDouble attention;
  private WorkerDouble expert;

  @Test
  void becomesVisibleOnceAllShardsAreComplete() {
    UUID id = running();
    byte[] first = bytes(2 * CHUNK + 12_345, 1);
    byte[] second = bytes(777, 2);

    // Given one shard of two
    upload(id, 2, "attention-0", 1, first);
    assertThat(given().get(path(id, "2")).statusCode()).isEqualTo(404);
    assertThat(given().get(path(id, "latest")).statusCode()).isEqualTo(404);
    assertThat(given().get(path(id, "2/shards/attention-0")).statusCode()).isEqualTo(404);
    assertThat(run(id).has("checkpoint_step")).isFalse();

    // When the other comes, and both come again
    upload(id, 2, "expert-0", 1, second);
    upload(id, 2, "expert-0", 1, second);
    upload(id, 2, "attention-0", 1, first);

    // Then it is there, with what its writers said of it
    JsonNode checkpoint = get(path(id, "latest"));
    assertThat(checkpoint.path("step").asInt()).isEqualTo(2);
    assertThat(checkpoint.path("bytes").asLong()).isEqualTo(first.length + second.length);
    assertThat(checkpoint.path("shards")).hasSize(2);
    assertThat(checkpoint.path("shards").get(1).path("name").asText()).isEqualTo("expert-0");
    assertThat(checkpoint.path("shards").get(1).path("sha256").asText()).isEqualTo(sha256(second));
    assertThat(checkpoint.path("shards").get(1).path("tensors").toString())
        .isEqualTo("[\"a\",\"b\"]");
    assertThat(get(path(id, "2"))).isEqualTo(checkpoint);
    assertThat(run(id).path("checkpoint_step").asInt()).isEqualTo(2);

    // And reads back, whole and in ranges across chunks
    Response whole = given().get(path(id, "2/shards/attention-0"));
    assertThat(whole.statusCode()).isEqualTo(200);
    assertThat(whole.header("Content-Length")).isEqualTo(Integer.toString(first.length));
    assertThat(whole.header("Accept-Ranges")).isEqualTo("bytes");
    assertThat(whole.header("ETag")).isEqualTo('"' + sha256(first) + '"');
    assertThat(whole.asByteArray()).isEqualTo(first);
    assertRange(id, first, "bytes=0-0", 0, 1);
    assertRange(id, first, "bytes=1048570-1048585", CHUNK - 6, CHUNK + 10);
    assertRange(id, first, "bytes=2000000-", 2_000_000, first.length);
    assertRange(id, first, "bytes=-5", first.length - 5, first.length);
    assertRange(id, first, "bytes=5-99999999999", 5, first.length);
    Response outside =
        given().header("Range", "bytes=99999999-").get(path(id, "2/shards/attention-0"));
    assertThat(outside.statusCode()).isEqualTo(416);
    assertThat(outside.header("Content-Range")).isEqualTo("bytes */" + first.length);
    assertThat(outside.contentType()).isEqualTo("application/problem+json");
    // Several ranges are not served, which RFC 9110 answers with the whole.
    assertThat(
            given()
                .header("Range", "bytes=0-1,4-5")
                .get(path(id, "2/shards/expert-0"))
                .asByteArray())
        .isEqualTo(second);
    end(id);
  }

  @Test
  void refusesWhatIsDamagedMissingOrOfAnotherAttempt() {
    UUID id = running();
    byte[] content = bytes(1000, 3);

    // Damaged on the way
    Response damaged =
        given()
            .contentType("application/octet-stream")
            .header("X-Checksum-Crc32c", crc(bytes(1000, 4)))
            .body(content)
            .put(path(id, "1/shards/expert-0/chunks/0?attempt=1"));
    assertProblem(damaged, 422, "CRC-32C");
    // Of an attempt that is not the present one
    assertProblem(put(id, 1, "expert-0", 0, 7, content), 409, "Attempt 7");
    // Of a shard that the group does not have
    assertProblem(put(id, 1, "expert-1", 0, 1, content), 409, "no shard 'expert-1'");
    assertProblem(put(id, 1, "attention-1", 0, 1, content), 409, "no shard 'attention-1'");
    // Too large
    assertProblem(put(id, 1, "expert-0", 0, 1, new byte[(8 << 20) + 1]), 413, "8388608");
    // Missing the first chunk
    assertThat(put(id, 1, "expert-0", 1, 1, content).statusCode()).isEqualTo(204);
    assertProblem(complete(id, 1, "expert-0", 1, content, 2, content.length), 422, "2 chunks");
    // Not adding up
    assertThat(put(id, 1, "expert-0", 0, 1, content).statusCode()).isEqualTo(204);
    assertProblem(complete(id, 1, "expert-0", 1, content, 2, 1999), 422, "2000 bytes");
    // Completed, and then another
    assertThat(complete(id, 1, "expert-0", 1, content, 2, 2000).statusCode()).isEqualTo(204);
    assertThat(put(id, 1, "expert-0", 0, 1, content).statusCode()).isEqualTo(204);
    assertProblem(put(id, 1, "expert-0", 0, 1, bytes(1000, 5)), 409, "is another");
    assertProblem(complete(id, 1, "expert-0", 7, content, 2, 2000), 409, "Attempt 7");
    assertThat(get(path(id, "")).path("checkpoints")).isEmpty();
    end(id);
  }

  @Test
  void tellsWhenTheDatabaseGivesBackSomethingElse() throws SQLException {
    UUID id = running();
    checkpoint(id, 1, 1, 500);
    try (Connection connection = database.getConnection();
        PreparedStatement damage =
            connection.prepareStatement(
                """
                update checkpoint_chunk set content = set_byte(content, 7, get_byte(content, 7) # 1)
                where shard_id in (select s.id from checkpoint_shard s
                  join checkpoint c on c.id = s.checkpoint_id where c.run_id = ?)
                """)) {
      damage.setObject(1, id);
      assertThat(damage.executeUpdate()).isEqualTo(2);
    }

    Response answer = given().get(path(id, "1/shards/expert-0"));

    assertThat(answer.statusCode()).isEqualTo(500);
    assertThat(answer.contentType()).isEqualTo("application/problem+json");
    assertThat(json(answer).path("error_id").asText()).hasSize(36);
    assertThat(answer.asString()).doesNotContain("Exception");
    end(id);
  }

  @Test
  void keepsTheNewestAndResumesFromTheLast() {
    UUID id = running();
    for (int step = 1; step <= 5; step++) {
      attention.step(id, 1, step, step == 2 ? 3.5 : null);
    }
    awaitSteps(id, 5);
    for (int step = 1; step <= 4; step++) {
      checkpoint(id, 1, step, 100 + step);
    }
    upload(id, 5, "expert-0", 1, bytes(100, 9));

    // Only the newest are kept
    assertThat(get(path(id, "")).path("checkpoints").findValuesAsText("step"))
        .containsExactly("4", "3", "2");
    assertThat(given().get(path(id, "1")).statusCode()).isEqualTo(404);

    // When the run fails and is resumed
    attention.report(new Event.Failed(id, 1, attention.id(), FailureKind.SOFTWARE, "a fault"));
    awaitState(id, "failed");
    attention.rest();
    expert.rest();
    post("/api/v1/runs/" + id + "/resume", 202);
    Assignment assignment = attention.prepare(id, 2).assignment();
    expert.prepare(id, 2);

    // Then it goes on after step 4, and what came after it is forgotten
    assertThat(assignment.resumeFromStep()).isEqualTo(4);
    JsonNode resumed = awaitState(id, "running");
    assertThat(resumed.path("steps_done").asInt()).isEqualTo(4);
    assertThat(resumed.path("last_loss").asDouble()).isEqualTo(10 + 1.0 / 4);
    assertThat(resumed.path("evaluation_loss").asDouble()).isEqualTo(3.5);
    assertThat(get("/api/v1/runs/" + id + "/steps").path("steps")).hasSize(4);
    assertProblem(put(id, 5, "expert-0", 0, 1, bytes(10, 1)), 409, "Attempt 1");

    // And its own steps and checkpoints count
    attention.step(id, 1, 5, null);
    attention.step(id, 2, 5, null);
    awaitSteps(id, 5);
    JsonNode fifth = get("/api/v1/runs/" + id + "/steps?from=5").path("steps").get(0);
    assertThat(fifth.path("attempt").asInt()).isEqualTo(2);
    checkpoint(id, 2, 5, 300);
    assertThat(get(path(id, "latest")).path("step").asInt()).isEqualTo(5);
    end(id);
  }

  /** The last checkpoint was complete, and then a worker failed before it had said so. */
  @Test
  void completesARunThatFailedAfterItsLastCheckpoint() {
    UUID id = running();
    for (int step = 1; step <= 9; step++) {
      attention.step(id, 1, step, null);
    }
    awaitSteps(id, 9);
    checkpoint(id, 1, 9, 100);
    attention.report(new Event.Failed(id, 1, attention.id(), FailureKind.SOFTWARE, "a fault"));
    awaitState(id, "failed");
    attention.rest();
    expert.rest();

    post("/api/v1/runs/" + id + "/resume", 202);

    JsonNode completed = awaitState(id, "completed");
    assertThat(completed.path("reason").asText()).isEqualTo("all 9 steps are done");
    assertThat(completed.path("steps_done").asInt()).isEqualTo(9);
    assertThat(completed.path("attempt").asInt()).isEqualTo(1);
    assertThat(attention.commands(Command.Prepare.class, id, 2)).isEmpty();
  }

  /** Metrics may come later than the checkpoint of their step, and than the next attempt. */
  @Test
  void keepsLateStepsOfAnEarlierAttemptUpToTheCheckpoint() {
    UUID id = running();
    attention.step(id, 1, 1, null);
    attention.step(id, 1, 2, null);
    awaitSteps(id, 2);
    checkpoint(id, 1, 4, 100);
    attention.report(new Event.Failed(id, 1, attention.id(), FailureKind.SOFTWARE, "a fault"));
    awaitState(id, "failed");
    attention.rest();
    expert.rest();
    post("/api/v1/runs/" + id + "/resume", 202);
    attention.prepare(id, 2);
    expert.prepare(id, 2);
    attention.await(Command.Start.class, id, 2);

    // When its last steps arrive in the next attempt, among steps of that
    attention.step(id, 1, 3, null);
    attention.step(id, 1, 4, 2.5);
    attention.step(id, 2, 5, null);
    attention.step(id, 1, 5, null);
    attention.step(id, 1, 6, null);
    attention.step(id, 1, 2, null);
    attention.step(id, 2, 6, null);
    awaitSteps(id, 6);

    // Then those that the checkpoint has are kept, and those that were done again are not
    JsonNode steps = get("/api/v1/runs/" + id + "/steps").path("steps");
    assertThat(steps.findValuesAsText("step")).containsExactly("1", "2", "3", "4", "5", "6");
    assertThat(steps.findValuesAsText("attempt")).containsExactly("1", "1", "1", "1", "2", "2");
    assertThat(run(id).path("last_loss").asDouble()).isEqualTo(20 + 1.0 / 6);
    end(id);
  }

  @Test
  void manyReadAtOnce() throws Exception {
    UUID id = running();
    byte[] content = bytes(2 * CHUNK + 77, 6);
    upload(id, 1, "attention-0", 1, content);
    upload(id, 1, "expert-0", 1, bytes(100, 7));
    URI shard = URI.create(RestAssured.baseURI + ":" + RestAssured.port + path(id, SHARD));

    try (HttpClient client = HttpClient.newHttpClient();
        ExecutorService readers = Executors.newFixedThreadPool(READERS)) {
      List<Future<byte[]>> answers = new ArrayList<>();
      for (int reader = 0; reader < 2 * READERS; reader++) {
        answers.add(
            readers.submit(
                () -> {
                  HttpResponse<byte[]> answer =
                      client.send(
                          HttpRequest.newBuilder(shard).build(),
                          HttpResponse.BodyHandlers.ofByteArray());
                  assertThat(answer.statusCode()).isEqualTo(200);
                  return answer.body();
                }));
      }
      for (Future<byte[]> answer : answers) {
        assertThat(answer.get()).isEqualTo(content);
      }
    }
    end(id);
  }

  private UUID running() {
    UUID id = submit("{name: checkpoints, training: {steps: 9}}");
    attention = attention();
    expert = expert();
    attention.prepare(id, 1);
    expert.prepare(id, 1);
    attention.await(Command.Start.class, id, 1);
    return id;
  }

  private void end(UUID id) {
    attention.finish(9, false);
    expert.finish(9, false);
    awaitState(id, "completed");
  }

  private static void checkpoint(UUID id, int attempt, int step, int size) {
    upload(id, step, "attention-0", attempt, bytes(size, step));
    upload(id, step, "expert-0", attempt, bytes(size, 100 + step));
  }

  private static void upload(UUID id, int step, String shard, int attempt, byte[] content) {
    int chunks = (content.length + CHUNK - 1) / CHUNK;
    // Last chunk first: the order does not matter.
    for (int index = chunks - 1; index >= 0; index--) {
      byte[] chunk =
          Arrays.copyOfRange(content, index * CHUNK, Math.min(content.length, (index + 1) * CHUNK));
      Response answer = put(id, step, shard, index, attempt, chunk);
      assertThat(answer.statusCode()).as(answer.asString()).isEqualTo(204);
    }
    Response answer = complete(id, step, shard, attempt, content, chunks, content.length);
    assertThat(answer.statusCode()).as(answer.asString()).isEqualTo(204);
  }

  private static Response put(
      UUID id, int step, String shard, int index, int attempt, byte[] chunk) {
    return given()
        .contentType("application/octet-stream")
        .header("X-Checksum-Crc32c", crc(chunk))
        .body(chunk)
        .put(path(id, step + "/shards/" + shard + "/chunks/" + index + "?attempt=" + attempt));
  }

  private static Response complete(
      UUID id, int step, String shard, int attempt, byte[] content, int chunks, long bytes) {
    return given()
        .contentType("application/json")
        .body(
            "{\"bytes\": %d, \"sha256\": \"%s\", \"chunks\": %d, \"tensors\": [\"a\", \"b\"]}"
                .formatted(bytes, sha256(content), chunks))
        .post(path(id, step + "/shards/" + shard + "?attempt=" + attempt));
  }

  private static void assertRange(UUID id, byte[] content, String range, int from, int to) {
    Response answer = given().header("Range", range).get(path(id, "2/shards/attention-0"));
    assertThat(answer.statusCode()).as(range).isEqualTo(206);
    assertThat(answer.header("Content-Range"))
        .isEqualTo("bytes " + from + "-" + (to - 1) + "/" + content.length);
    assertThat(answer.asByteArray()).as(range).isEqualTo(Arrays.copyOfRange(content, from, to));
  }

  private static void assertProblem(Response answer, int status, String detail) {
    assertThat(answer.statusCode()).as(answer.asString()).isEqualTo(status);
    assertThat(answer.contentType()).isEqualTo("application/problem+json");
    assertThat(json(answer).path("detail").asText()).contains(detail);
  }

  private static String path(UUID id, String rest) {
    return "/api/v1/runs/" + id + "/checkpoints" + (rest.isEmpty() ? "" : "/" + rest);
  }

  private static byte[] bytes(int length, long seed) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private static String crc(byte[] content) {
    CRC32C crc = new CRC32C();
    crc.update(content);
    return HexFormat.of().toHexDigits((int) crc.getValue());
  }

  private static String sha256(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
