package org.hetermoe.coordinator;

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
import org.hetermoe.run.Command;
import org.hetermoe.run.Event;
import org.junit.jupiter.api.Test;

/**
 * Attempts that cannot go on: each fails with a reason, and the other workers are told to leave.
 */
@QuarkusTest
@QuarkusTestResource(RealParts.class)
class FailureIT extends ClusterCase {
  @Inject DataSource database;

  @Test
  void failsWhenAWorkerFallsSilent() {
    UUID id = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    start(id, 1, attention, expert);

    expert.fallSilent();

    String reason = "expert worker " + expert.id() + " lost: no heartbeat for 10 s";
    assertThat(awaitState(id, "failed").path("reason").asText()).isEqualTo(reason);
    assertThat(attention.await(Command.Abort.class, id, 1).reason()).isEqualTo(reason);
    assertThat(alive(expert)).isFalse();
    assertThat(alive(attention)).isTrue();
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

    String reason = "expert worker " + second.id() + " failed: out of memory";
    assertThat(awaitState(id, "failed").path("reason").asText()).isEqualTo(reason);
    assertThat(attention.await(Command.Abort.class, id, 1).reason()).isEqualTo(reason);
    assertThat(first.await(Command.Abort.class, id, 1).reason()).isEqualTo(reason);
    assertThat(second.commands(Command.Abort.class, id, 1)).isEmpty();
  }

  @Test
  void heedsNoReportOfAnAttemptThatHasFailed() {
    UUID id = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    attention.takeUp(id, 1);
    expert.takeUp(id, 1);
    expert.report(new Event.Failed(id, 1, expert.id(), "out of memory"));
    awaitState(id, "failed");

    // Events are handled one after the other: when a later run is over, so are these.
    expert.report(new Event.Prepared(id, 1, expert.id()));
    attention.report(new Event.Prepared(id, 1, attention.id()));
    attention.report(new Event.Finished(id, 1, attention.id(), 4, false));
    attention.rest();
    expert.rest();
    UUID later = submit(ONE_AND_ONE);
    start(later, 1, attention, expert);
    finish(later, 4, attention, expert);

    assertThat(states(run(id))).containsExactly("submitted", "preparing", "failed");
    assertThat(attention.commands(Command.Start.class, id, 1)).isEmpty();
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

    assertThat(awaitState(id, "failed").path("reason").asText())
        .isEqualTo("attention worker " + attention.id() + " was not prepared within 120 s");
    attention.await(Command.Abort.class, id, 1);
    expert.await(Command.Abort.class, id, 1);
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
