package org.hetermoe.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.util.UUID;
import org.hetermoe.run.Topics;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Steps as workers report them, and as the coordinator shows them. */
@QuarkusTest
@QuarkusTestResource(RealParts.class)
class StepMetricsIT extends ClusterCase {
  private UUID id;
  private WorkerDouble attention;
  private WorkerDouble expert;

  @BeforeEach
  void train() {
    id = submit(ONE_AND_ONE);
    attention = attention();
    expert = expert();
    start(id, 1, attention, expert);
  }

  @AfterEach
  void complete() {
    finish(id, 4, attention, expert);
  }

  @Test
  void showsTheLastLossesAndPagesThroughSteps() {
    attention.step(id, 1, 1, null);
    attention.step(id, 1, 2, 4.5);
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
  }

  @Test
  void keepsAStepThatComesTwiceOnce() {
    attention.step(id, 1, 1, null);
    attention.step(id, 1, 1, null);
    attention.step(id, 1, 2, null);
    awaitSteps(id, 2);

    assertThat(get("/api/v1/runs/" + id + "/steps").path("steps")).hasSize(2);
  }

  @Test
  void ignoresStepsOfAnotherAttempt() {
    attention.step(id, 2, 9, null);
    attention.step(id, 1, 1, null);
    awaitSteps(id, 1);

    assertThat(get("/api/v1/runs/" + id + "/steps").path("steps")).hasSize(1);
  }

  @Test
  void passesOverWhatIsNoMessage() {
    attention.sendGarbage(Topics.METRICS, "{\"run\": 7");
    attention.sendGarbage(Topics.EVENTS, "{\"type\": \"unheard-of\"}");
    attention.sendGarbage(Topics.EVENTS, "null");
    attention.sendGarbage(Topics.HEARTBEATS, "{}");

    attention.step(id, 1, 1, null);
    awaitSteps(id, 1);
    // That events are still taken shows when the run is completed.
  }
}
