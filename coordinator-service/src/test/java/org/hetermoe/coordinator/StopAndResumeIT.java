package org.hetermoe.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.util.UUID;
import org.hetermoe.run.Command;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Runs that are ended early, and go on. From a checkpoint: see {@link CheckpointIT}. */
@QuarkusTest
@QuarkusTestResource(RealParts.class)
class StopAndResumeIT extends ClusterCase {
  private UUID id;
  private WorkerDouble attention;
  private WorkerDouble expert;

  @BeforeEach
  void submitToTwoWorkers() {
    id = submit(ONE_AND_ONE);
    attention = attention();
    expert = expert();
  }

  @Test
  void stopsAfterTheCurrentStep() {
    start(id, 1, attention, expert);

    assertThat(stop(202).path("state").asText()).isEqualTo("stopping");

    attention.await(Command.Stop.class, id, 1);
    attention.finish(2, true);
    expert.finish(2, true);
    JsonNode stopped = awaitState(id, "stopped");
    assertThat(stopped.path("reason").asText()).isEqualTo("ended after step 2 of 4, as requested");
    assertThat(expert.commands(Command.Stop.class, id, 1)).as("the leader passes it on").isEmpty();
  }

  @Test
  void isCompletedWhereTheLastStepCameFirst() {
    start(id, 1, attention, expert);
    stop(202);

    JsonNode completed = finish(id, 4, attention, expert);

    assertThat(completed.path("reason").asText()).isEqualTo("all 4 steps are done");
  }

  @Test
  void tellsTheGroupOnceHoweverOftenItIsAsked() {
    start(id, 1, attention, expert);
    stop(202);

    assertThat(stop(202).path("state").asText()).isEqualTo("stopping");
    assertThat(resume(409).path("detail").asText()).contains("is active");

    attention.finish(2, true);
    expert.finish(2, true);
    awaitState(id, "stopped");
    assertThat(stop(409).path("detail").asText()).contains("has ended");
    assertThat(attention.commands(Command.Stop.class, id, 1)).hasSize(1);
  }

  @Test
  void stopsAtOnceWhatOnlyPrepares() {
    attention.takeUp(id, 1);
    expert.takeUp(id, 1);

    assertThat(stop(202).path("state").asText()).isEqualTo("stopped");

    attention.await(Command.Abort.class, id, 1);
    expert.await(Command.Abort.class, id, 1);
  }

  @Test
  void beginsAnewWithoutACheckpoint() {
    start(id, 1, attention, expert);
    attention.step(id, 1, 1, null);
    awaitSteps(id, 1);
    stop(202);
    attention.finish(1, true);
    expert.finish(1, true);
    awaitState(id, "stopped");

    resume(202);

    assertThat(attention.prepare(id, 2).assignment().resumeFromStep()).isZero();
    expert.prepare(id, 2);
    JsonNode running = awaitState(id, "running");
    assertThat(running.path("attempt").asInt()).isEqualTo(2);
    assertThat(running.path("steps_done").asInt()).isZero();
    assertThat(running.has("last_loss")).isFalse();
    assertThat(get("/api/v1/runs/" + id + "/steps").path("steps")).isEmpty();
    finish(id, 4, attention, expert);
  }

  private JsonNode stop(int status) {
    return post("/api/v1/runs/" + id + "/stop", status);
  }

  private JsonNode resume(int status) {
    return post("/api/v1/runs/" + id + "/resume", status);
  }
}
