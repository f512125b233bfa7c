package org.hetermoe.coordinator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A run from its workers to its end, where nothing goes wrong. */
@QuarkusTest
@QuarkusTestResource(RealParts.class)
class TrainingIT extends ClusterCase {
  @Inject DataSource database;

  private UUID id;
  private WorkerDouble attention;
  private WorkerDouble first;
  private WorkerDouble second;

  @BeforeEach
  void submitToThreeWorkers() {
    id = submit(ONE_AND_TWO);
    attention = attention();
    first = expert();
    second = expert();
  }

  @Test
  void tellsWorkersAllTheyMustKnow() {
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
    assertThat(first.prepare(id, 1).assignment()).isEqualTo(assignment);
    assertThat(second.prepare(id, 1).assignment()).isEqualTo(assignment);
    awaitState(id, "running");
    finish(id, 4, attention, first, second);
  }

  @Test
  void startsOnceAllArePrepared() {
    attention.prepare(id, 1);
    first.prepare(id, 1);
    second.takeUp(id, 1);
    awaitMembers("prepared_at", 2);
    assertThat(run(id).path("state").asText()).isEqualTo("preparing");
    assertThat(first.commands(Command.Start.class, id, 1)).isEmpty();

    second.report(new Event.Prepared(id, 1, second.id()));
    second.report(new Event.Prepared(id, 1, second.id()));

    for (WorkerDouble worker : List.of(attention, first, second)) {
      worker.await(Command.Start.class, id, 1);
    }
    awaitState(id, "running");
    finish(id, 4, attention, first, second);
    assertThat(second.commands(Command.Start.class, id, 1)).hasSize(1);
  }

  @Test
  void showsWhoOwnsWhichExpert() {
    start(id, 1, attention, first, second);

    JsonNode placement = get("/api/v1/runs/" + id + "/placement");

    assertThat(placement.path("placement").get(0).toString())
        .isEqualTo(
            "[\"expert-0\",\"expert-0\",\"expert-0\",\"expert-0\","
                + "\"expert-1\",\"expert-1\",\"expert-1\",\"expert-1\"]");
    assertThat(placement.path("counts")).hasSize(2);
    assertThat(placement.path("counts").get(1).path("worker").asText()).isEqualTo(second.id());
    assertThat(placement.path("counts").get(1).path("experts_per_layer").toString())
        .isEqualTo("[4,4,4,4]");
    finish(id, 4, attention, first, second);
  }

  @Test
  void showsWhatWorkersDo() {
    start(id, 1, attention, first, second);

    JsonNode worker =
        StreamSupport.stream(get("/api/v1/workers").path("workers").spliterator(), false)
            .filter(each -> each.path("worker").asText().equals(second.id()))
            .findFirst()
            .orElseThrow();

    assertThat(worker.path("alive").asBoolean()).isTrue();
    assertThat(worker.path("run").asText()).isEqualTo(id.toString());
    assertThat(worker.path("role").asText()).isEqualTo("expert");
    finish(id, 4, attention, first, second);
  }

  @Test
  void isCompletedOnceAllHaveFinished() {
    start(id, 1, attention, first, second);
    attention.finish(4, false);
    first.finish(4, false);
    awaitMembers("finished_at", 2);
    assertThat(run(id).path("state").asText()).isEqualTo("running");

    second.finish(4, false);

    JsonNode done = awaitState(id, "completed");
    assertThat(done.path("reason").asText()).isEqualTo("all 4 steps are done");
    assertThat(states(done)).containsExactly("submitted", "preparing", "running", "completed");
    assertThat(done.path("spec").path("workers").path("experts").asInt()).isEqualTo(2);
    assertThat(done.path("workers")).hasSize(3);
    assertThat(post("/api/v1/runs/" + id + "/resume", 409).path("detail").asText())
        .contains("is completed");
  }

  /** Waits until the reports of so many members are stored. */
  private void awaitMembers(String column, int members) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .pollInterval(Duration.ofMillis(50))
        .untilAsserted(
            () -> {
              try (Connection connection = database.getConnection();
                  PreparedStatement query =
                      connection.prepareStatement(
                          "select count(" + column + ") from assignment_member where run_id = ?")) {
                query.setObject(1, id);
                try (ResultSet count = query.executeQuery()) {
                  assertThat(count.next()).isTrue();
                  assertThat(count.getInt(1)).isEqualTo(members);
                }
              }
            });
  }
}
