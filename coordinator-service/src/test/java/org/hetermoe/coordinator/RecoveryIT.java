package org.hetermoe.coordinator;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.UUID;
import java.util.stream.StreamSupport;
import javax.sql.DataSource;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.Command;
import org.hetermoe.run.Event;
import org.hetermoe.run.FailureKind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Attempts that cannot go on for no fault of the run: another follows, without anybody's help. */
@QuarkusTest
@QuarkusTestResource(RealParts.class)
class RecoveryIT extends ClusterCase {
  private static final String TWO_AND_ONE =
      """
      name: two and one
      training: {steps: 4}
      workers: {attention: 2, experts: 1}
      """;
  private static final String ONE_AND_UP_TO_TWO =
      """
      name: one and up to two
      training: {steps: 4}
      workers: {attention: 1, experts: 1..2}
      """;

  @Inject DataSource database;

  @Test
  void goesOnWithAReplacementOfAWorkerThatFellSilent() {
    UUID id = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    start(id, 1, attention, expert);

    expert.fallSilent();

    String reason = "expert worker " + expert.id() + " lost: no heartbeat for 10 s";
    assertThat(awaitState(id, "recovering").path("history").findValuesAsText("reason"))
        .last()
        .isEqualTo(reason + "; begins anew");
    assertThat(attention.await(Command.Abort.class, id, 1).reason()).isEqualTo(reason);
    assertThat(alive(expert)).isFalse();
    assertThat(alive(attention)).isTrue();

    attention.rest();
    awaitReason(id, "waiting for 1 more expert worker");
    WorkerDouble replacement = expert();
    start(id, 2, attention, replacement);
    JsonNode done = finish(id, 4, attention, replacement);
    assertThat(states(done))
        .containsExactly(
            "submitted", "preparing", "running", "recovering", "preparing", "running", "completed");
  }

  @Test
  void goesOnAtOnceWithAProcessThatTookAWorkersPlace() {
    UUID id = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    attention.takeUp(id, 1);
    expert.takeUp(id, 1);

    long begin = System.nanoTime();
    attention.restart();

    expert.await(Command.Abort.class, id, 1);
    expert.rest();
    attention.await(Command.Prepare.class, id, 2);
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(5));
    assertThat(run(id).path("history").findValuesAsText("reason"))
        .contains(
            "attention worker "
                + attention.id()
                + " lost: another process took its place; begins anew");
    start(id, 2, attention, expert);
    finish(id, 4, attention, expert);
  }

  @ParameterizedTest
  @EnumSource(FailureKind.class)
  void recoversOnlyFromWhatHasNothingToDoWithTheRun(FailureKind kind) {
    UUID id = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    start(id, 1, attention, expert);

    expert.report(new Event.Failed(id, 1, expert.id(), kind, "of its kind"));
    attention.await(Command.Abort.class, id, 1);

    String reason = "expert worker " + expert.id() + " failed: of its kind";
    if (kind.infrastructure()) {
      attention.rest();
      expert.rest();
      start(id, 2, attention, expert);
      assertThat(finish(id, 4, attention, expert).path("history").findValuesAsText("reason"))
          .contains(reason + "; begins anew");
    } else {
      assertThat(awaitState(id, "failed").path("reason").asText()).isEqualTo(reason);
    }
  }

  @Test
  void goesOnWithFewerExpertWorkersWhereNoReplacementComes() {
    UUID id = submit(ONE_AND_UP_TO_TWO);
    WorkerDouble attention = attention();
    WorkerDouble first = expert();
    WorkerDouble second = expert();
    Assignment both = first.prepare(id, 1).assignment();
    assertThat(both.spec().workers().experts().number()).isEqualTo(2);
    start(id, 1, attention, second);

    second.fallSilent();
    first.report(new Event.Failed(id, 1, first.id(), FailureKind.PEER, "expert-1 hung up"));
    attention.await(Command.Abort.class, id, 1);
    attention.rest();
    first.rest();

    Assignment alone = attention.prepare(id, 2).assignment();
    assertThat(alone.spec().workers().experts().number()).isEqualTo(1);
    assertThat(alone.members())
        .extracting(Assignment.Member::worker)
        .containsExactly(attention.id(), first.id());
    assertThat(run(id).path("spec").path("workers").path("experts").asText()).isEqualTo("1..2");
    first.prepare(id, 2);
    finish(id, 4, attention, first);
  }

  @Test
  void attentionRanksShareAWorkerWhereNoReplacementComes() {
    UUID id = submit(TWO_AND_ONE);
    WorkerDouble first = attention();
    WorkerDouble second = attention();
    WorkerDouble expert = expert();
    start(id, 1, first, second, expert);

    second.fallSilent();
    expert.report(new Event.Failed(id, 1, expert.id(), FailureKind.PEER, "attention-1 hung up"));
    first.await(Command.Abort.class, id, 1);
    first.rest();
    expert.rest();

    assertThat(first.prepare(id, 2).assignment().members())
        .extracting(member -> member.peer() + " in " + member.worker())
        .containsExactly(
            "attention-0 in " + first.id(),
            "attention-1 in " + first.id(),
            "expert-0 in " + expert.id());
    expert.prepare(id, 2);
    finish(id, 4, first, expert);
  }

  @Test
  void givesUpWhereNoAttemptGetsFurther() {
    UUID id = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    for (int attempt = 1; attempt <= 4; attempt++) {
      attention.takeUp(id, attempt);
      expert.takeUp(id, attempt);
      expert.report(new Event.Failed(id, attempt, expert.id(), FailureKind.DEVICE, "it is hot"));
      attention.await(Command.Abort.class, id, attempt);
      attention.rest();
      expert.rest();
    }
    assertThat(awaitState(id, "failed").path("reason").asText())
        .isEqualTo(
            "expert worker "
                + expert.id()
                + " failed: it is hot; given up after 3 recoveries without a new checkpoint");
  }

  @Test
  void startsAnewWhenPreparationTakesTooLong() throws SQLException {
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

    assertThat(awaitState(id, "recovering").path("history").findValuesAsText("reason"))
        .last()
        .isEqualTo(
            "attention worker " + attention.id() + " was not prepared within 120 s; begins anew");
    attention.await(Command.Abort.class, id, 1);
    expert.await(Command.Abort.class, id, 1);
    stop(id);
  }

  @Test
  void isStoppedWhileItWaits() {
    UUID id = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    start(id, 1, attention, expert);
    expert.report(new Event.Failed(id, 1, expert.id(), FailureKind.PEER, "hung up"));
    awaitState(id, "recovering");

    assertThat(given().post("/api/v1/runs/" + id + "/resume").statusCode()).isEqualTo(409);
    stop(id);

    assertThat(run(id).path("reason").asText()).isEqualTo("stopped while it waited for workers");
  }

  @Test
  void aLossAfterTheRequestToStopEndsIt() {
    UUID id = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    start(id, 1, attention, expert);
    post("/api/v1/runs/" + id + "/stop", 202);

    expert.report(new Event.Failed(id, 1, expert.id(), FailureKind.PEER, "hung up"));

    assertThat(awaitState(id, "stopped").path("reason").asText())
        .isEqualTo(
            "ended as requested, but not after a step: expert worker "
                + expert.id()
                + " failed: hung up");
  }

  private static void stop(UUID id) {
    post("/api/v1/runs/" + id + "/stop", 202);
    assertThat(states(run(id))).last().isEqualTo("stopped");
  }

  private static boolean alive(WorkerDouble worker) {
    return StreamSupport.stream(get("/api/v1/workers").path("workers").spliterator(), false)
        .filter(each -> each.path("worker").asText().equals(worker.id()))
        .findFirst()
        .orElseThrow()
        .path("alive")
        .asBoolean();
  }
}
