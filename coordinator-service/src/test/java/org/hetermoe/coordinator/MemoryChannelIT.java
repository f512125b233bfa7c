package org.hetermoe.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.util.UUID;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.Command;
import org.hetermoe.run.Event;
import org.hetermoe.run.FailureKind;
import org.junit.jupiter.api.Test;

/** Runs over the memory channel: all ranks live in one attention worker. */
@QuarkusTest
@QuarkusTestResource(RealParts.class)
class MemoryChannelIT extends ClusterCase {
  private static final String TWO_AND_THREE =
      """
      channel: memory
      workers: {attention: 2, experts: 3, expert_counts: [1, 0, 7]}
      training: {steps: 1}
      """;

  @Test
  void putsAllRanksIntoOneWorker() {
    UUID id = submit(TWO_AND_THREE);
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
    awaitState(id, "running");
    finish(id, 1, attention);
  }

  @Test
  void tellsAProcessOfSeveralRanksEverythingOnce() {
    UUID id = submit(TWO_AND_THREE);
    WorkerDouble attention = attention();
    attention.prepare(id, 1);
    attention.await(Command.Start.class, id, 1);

    finish(id, 1, attention);

    assertThat(attention.commands(Command.Prepare.class, id, 1)).hasSize(1);
    assertThat(attention.commands(Command.Start.class, id, 1)).hasSize(1);
  }

  @Test
  void countsExpertsOfEachRank() {
    UUID id = submit(TWO_AND_THREE);
    WorkerDouble attention = attention();
    start(id, 1, attention);

    JsonNode counts = get("/api/v1/runs/" + id + "/placement").path("counts");

    assertThat(counts.findValuesAsText("peer")).containsExactly("expert-0", "expert-1", "expert-2");
    assertThat(counts.findValuesAsText("worker")).containsOnly(attention.id());
    assertThat(counts.get(0).path("experts_per_layer").toString()).isEqualTo("[1,1,1,1]");
    assertThat(counts.get(1).path("experts_per_layer").toString()).isEqualTo("[0,0,0,0]");
    assertThat(counts.get(2).path("experts_per_layer").toString()).isEqualTo("[7,7,7,7]");
    finish(id, 1, attention);
  }

  @Test
  void namesTheWorkerAndNotItsRanks() {
    UUID id = submit(TWO_AND_THREE);
    WorkerDouble attention = attention();
    attention.takeUp(id, 1);

    attention.report(new Event.Failed(id, 1, attention.id(), FailureKind.MEMORY, "out of memory"));

    assertThat(awaitState(id, "failed").path("reason").asText())
        .isEqualTo("attention worker " + attention.id() + " failed: out of memory");
  }
}
