package org.hetermoe.coordinator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.stream.StreamSupport;
import javax.sql.DataSource;
import org.awaitility.Awaitility;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.Command;
import org.hetermoe.run.Event;
import org.hetermoe.run.Topics;
import org.junit.jupiter.api.Test;

@QuarkusTest
@QuarkusTestResource(RealParts.class)
class RunLifecycleIT extends ClusterCase {
  private static final String ONE_AND_TWO =
      """
      name: one and two
      training: {steps: 4}
      workers: {attention: 1, experts: 2}
      """;
  private static final String ONE_AND_ONE =
      """
      name: one and one
      training: {steps: 4}
      """;

  @Inject DataSource database;

  @Test
  void trainsFromSubmissionToCompletion() {
    // Given a run and no workers
    UUID id = submit(ONE_AND_TWO);
    awaitReason(id, "waiting for 1 more attention worker and 2 more expert workers");

    // When workers come, one by one
    WorkerDouble attention = attention();
    WorkerDouble first = expert();
    awaitReason(id, "waiting for 1 more expert worker");
    WorkerDouble second = expert();

    // Then each is told all it must know
    Assignment assignment = attention.prepare(id, 1).assignment();
    assertThat(assignment.attempt()).isEqualTo(1);
    assertThat(assignment.resumeFromStep()).isZero();
    assertThat(assignment.members())
        .extracting(Assignment.Member::worker, Assignment.Member::instance, Assignment.Member::peer)
        .containsExactly(
            tuple(attention.id(), attention.instance(), WorkerRank.attention(0)),
            tuple(first.id(), first.instance(), WorkerRank.expert(0)),
            tuple(second.id(), second.instance(), WorkerRank.expert(1)));
    assertThat(assignment.placement().counts(3, WorkerRank.Role.EXPERT, 2)).containsExactly(4, 4);
    first.prepare(id, 1);
    assertThat(first.commands(Command.Start.class, id, 1)).isEmpty();
    assertThat(run(id).path("state").asText()).isEqualTo("preparing");

    // When the last is prepared, and says so twice
    second.prepare(id, 1);
    second.report(new Event.Prepared(id, 1, second.id()));
    for (WorkerDouble worker : List.of(attention, first, second)) {
      worker.await(Command.Start.class, id, 1);
    }
    awaitState(id, "running");

    // When steps come, some twice, one of another attempt, and garbage between them
    attention.step(id, 1, 1, null);
    attention.sendGarbage(Topics.METRICS, "{\"run\": 7");
    attention.sendGarbage(Topics.EVENTS, "{\"type\": \"unheard-of\"}");
    attention.sendGarbage(Topics.EVENTS, "null");
    attention.sendGarbage(Topics.HEARTBEATS, "{}");
    attention.step(id, 1, 2, 4.5);
    attention.step(id, 1, 2, 4.5);
    attention.step(id, 2, 9, null);
    attention.step(id, 1, 3, null);
    awaitSteps(id, 3);
    JsonNode running = run(id);
    assertThat(running.path("last_loss").asDouble()).isEqualTo(10 + 1.0 / 3);
    assertThat(running.path("evaluation_loss").asDouble()).isEqualTo(4.5);
    JsonNode steps = get("/api/v1/runs/" + id + "/steps?from=2&limit=1").path("steps");
    assertThat(steps).hasSize(1);
    assertThat(steps.get(0).path("step").asInt()).isEqualTo(2);
    assertThat(steps.get(0).path("evaluation_loss").asDouble()).isEqualTo(4.5);
    assertThat(steps.get(0).path("expert_busy").asDouble()).isEqualTo(0.625);
    assertThat(get("/api/v1/runs/" + id + "/steps").path("steps")).hasSize(3);

    // Then the placement shows who owns what, and the workers what they do
    JsonNode placement = get("/api/v1/runs/" + id + "/placement");
    assertThat(placement.path("placement").get(0).toString())
        .isEqualTo(
            "[\"expert-0\",\"expert-0\",\"expert-0\",\"expert-0\","
                + "\"expert-1\",\"expert-1\",\"expert-1\",\"expert-1\"]");
    assertThat(placement.path("counts").get(1).path("worker").asText()).isEqualTo(second.id());
    assertThat(placement.path("counts").get(1).path("experts_per_layer").toString())
        .isEqualTo("[4,4,4,4]");
    JsonNode worker = worker(second.id());
    assertThat(worker.path("alive").asBoolean()).isTrue();
    assertThat(worker.path("run").asText()).isEqualTo(id.toString());
    assertThat(worker.path("role").asText()).isEqualTo("expert");

    // When all have finished
    attention.finish(4, false);
    first.finish(4, false);
    assertThat(run(id).path("state").asText()).isEqualTo("running");
    second.finish(4, false);

    // Then the run is complete, with its history
    JsonNode done = awaitState(id, "completed");
    assertThat(done.path("reason").asText()).isEqualTo("all 4 steps are done");
    assertThat(states(done)).containsExactly("submitted", "preparing", "running", "completed");
    assertThat(done.path("spec").path("workers").path("experts").asInt()).isEqualTo(2);
    assertThat(done.path("workers")).hasSize(3);
    assertThat(post("/api/v1/runs/" + id + "/resume", 409).path("detail").asText())
        .contains("is completed");
  }

  @Test
  void keepsWorkersOfOneRunFromAnother() {
    UUID first = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    attention.prepare(first, 1);
    expert.prepare(first, 1);
    awaitState(first, "running");

    // Given two that wait for the same workers, and one that asks for more than there are
    UUID greedy = submit("{workers: {attention: 30, experts: 30}}");
    awaitReason(greedy, "waiting for 30 more attention workers and 30 more expert workers");
    UUID second = submit(ONE_AND_ONE);
    awaitReason(second, "waiting for 1 more attention worker and 1 more expert worker");
    UUID third = submit(ONE_AND_ONE);
    awaitReason(third, "waiting for run " + second + ", which is before it in the queue");

    // When the first ends, the second gets them
    attention.finish(4, false);
    expert.finish(4, false);
    attention.prepare(second, 1);
    expert.prepare(second, 1);
    awaitState(second, "running");
    assertThat(run(third).path("state").asText()).isEqualTo("submitted");

    // And those that wait leave the queue at once
    assertThat(post("/api/v1/runs/" + third + "/stop", 202).path("state").asText())
        .isEqualTo("stopped");
    post("/api/v1/runs/" + greedy + "/stop", 202);
    attention.finish(4, false);
    expert.finish(4, false);
    awaitState(second, "completed");
  }

  @Test
  void failsWhenAWorkerFallsSilent() {
    UUID id = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    attention.prepare(id, 1);
    expert.prepare(id, 1);
    awaitState(id, "running");

    expert.fallSilent();

    JsonNode failed = awaitState(id, "failed");
    assertThat(failed.path("reason").asText())
        .isEqualTo("expert worker " + expert.id() + " lost: no heartbeat for 10 s");
    assertThat(attention.await(Command.Abort.class, id, 1).reason())
        .isEqualTo("expert worker " + expert.id() + " lost: no heartbeat for 10 s");
    assertThat(worker(expert.id()).path("alive").asBoolean()).isFalse();
    attention.rest();
  }

  @Test
  void failsAtOnceWhenAnotherProcessTakesAWorkersPlace() {
    UUID id = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    attention.takeUp(id, 1);
    expert.takeUp(id, 1);

    long begin = System.nanoTime();
    attention.restart();

    JsonNode failed = awaitState(id, "failed");
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(5));
    assertThat(failed.path("reason").asText())
        .isEqualTo("attention worker " + attention.id() + " lost: another process took its place");
    expert.await(Command.Abort.class, id, 1);
  }

  @Test
  void failsWhenAWorkerSaysSoAndAbortsTheOthers() {
    UUID id = submit(ONE_AND_TWO);
    WorkerDouble attention = attention();
    WorkerDouble first = expert();
    WorkerDouble second = expert();
    attention.prepare(id, 1);
    first.takeUp(id, 1);
    second.takeUp(id, 1);

    second.report(new Event.Failed(id, 1, second.id(), "out of memory"));

    JsonNode failed = awaitState(id, "failed");
    assertThat(failed.path("reason").asText())
        .isEqualTo("expert worker " + second.id() + " failed: out of memory");
    attention.await(Command.Abort.class, id, 1);
    first.await(Command.Abort.class, id, 1);
    // A report that comes late changes nothing.
    first.report(new Event.Prepared(id, 1, first.id()));
    attention.report(new Event.Finished(id, 1, attention.id(), 4, false));
    assertThat(second.commands(Command.Abort.class, id, 1)).isEmpty();
    assertThat(states(run(id))).containsExactly("submitted", "preparing", "failed");
  }

  @Test
  void stopsOnRequestAndGoesOnWithoutCheckpointFromTheBeginning() {
    UUID id = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    attention.prepare(id, 1);
    expert.prepare(id, 1);
    awaitState(id, "running");
    attention.step(id, 1, 1, null);
    awaitSteps(id, 1);

    assertThat(post("/api/v1/runs/" + id + "/stop", 202).path("state").asText())
        .isEqualTo("stopping");
    assertThat(post("/api/v1/runs/" + id + "/stop", 202).path("state").asText())
        .isEqualTo("stopping");
    attention.await(Command.Stop.class, id, 1);
    assertThat(expert.commands(Command.Stop.class, id, 1)).isEmpty();
    assertThat(post("/api/v1/runs/" + id + "/resume", 409).path("detail").asText())
        .contains("is active");
    attention.finish(2, true);
    expert.finish(2, true);

    JsonNode stopped = awaitState(id, "stopped");
    assertThat(stopped.path("reason").asText()).isEqualTo("ended after step 2 of 4, as requested");
    assertThat(post("/api/v1/runs/" + id + "/stop", 409).path("detail").asText())
        .contains("has ended");
    assertThat(attention.commands(Command.Stop.class, id, 1)).hasSize(1);

    // When it is resumed without a checkpoint it begins anew
    post("/api/v1/runs/" + id + "/resume", 202);
    Assignment again = attention.prepare(id, 2).assignment();
    assertThat(again.resumeFromStep()).isZero();
    expert.prepare(id, 2);
    JsonNode running = awaitState(id, "running");
    assertThat(running.path("attempt").asInt()).isEqualTo(2);
    assertThat(running.path("steps_done").asInt()).isZero();
    assertThat(running.has("last_loss")).isFalse();
    assertThat(get("/api/v1/runs/" + id + "/steps").path("steps")).isEmpty();
    attention.finish(4, false);
    expert.finish(4, false);
    awaitState(id, "completed");
  }

  @Test
  void failsWhenPreparationTakesTooLong() throws SQLException {
    UUID id = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    attention.takeUp(id, 1);
    expert.prepare(id, 1);

    // When it has prepared for longer than it may
    try (Connection connection = database.getConnection();
        PreparedStatement age =
            connection.prepareStatement(
                "update run set state_since = state_since - interval '121 s' where id = ?")) {
      age.setObject(1, id);
      assertThat(age.executeUpdate()).isEqualTo(1);
    }

    JsonNode failed = awaitState(id, "failed");
    assertThat(failed.path("reason").asText())
        .isEqualTo("attention worker " + attention.id() + " was not prepared within 120 s");
    attention.await(Command.Abort.class, id, 1);
    expert.await(Command.Abort.class, id, 1);
  }

  @Test
  void stopsWhatOnlyPrepares() {
    UUID id = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    attention.takeUp(id, 1);
    expert.takeUp(id, 1);

    assertThat(post("/api/v1/runs/" + id + "/stop", 202).path("state").asText())
        .isEqualTo("stopped");
    attention.await(Command.Abort.class, id, 1);
    expert.await(Command.Abort.class, id, 1);
  }

  @Test
  void putsAllMembersIntoOneWorkerOverTheMemoryChannel() {
    UUID id =
        submit(
            """
            channel: memory
            workers: {attention: 2, experts: 3, expert_counts: [1, 0, 7]}
            training: {steps: 1}
            """);
    awaitReason(id, "waiting for 1 more attention worker");
    WorkerDouble attention = attention();

    Assignment assignment = attention.prepare(id, 1).assignment();
    assertThat(assignment.members())
        .extracting(member -> member.peer().toString())
        .containsExactly("attention-0", "attention-1", "expert-0", "expert-1", "expert-2");
    assertThat(assignment.members())
        .allMatch(member -> member.instance().equals(attention.instance()));
    assertThat(assignment.placement().counts(0, WorkerRank.Role.EXPERT, 3))
        .containsExactly(1, 0, 7);
    attention.await(Command.Start.class, id, 1);
    assertThat(attention.commands(Command.Prepare.class, id, 1)).hasSize(1);
    attention.finish(1, false);
    awaitState(id, "completed");
    assertThat(
            get("/api/v1/runs/" + id + "/placement")
                .path("counts")
                .get(2)
                .path("experts_per_layer")
                .toString())
        .isEqualTo("[7,7,7,7]");
  }

  private static void awaitReason(UUID id, String reason) {
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

  private static JsonNode worker(String id) {
    return StreamSupport.stream(get("/api/v1/workers").path("workers").spliterator(), false)
        .filter(worker -> worker.path("worker").asText().equals(id))
        .findFirst()
        .orElseThrow();
  }
}
