package org.hetermoe.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Runs that wait for workers: why, behind whom, and until when. */
@QuarkusTest
@QuarkusTestResource(RealParts.class)
class QueueIT extends ClusterCase {
  @Test
  void saysWhichWorkersAreMissing() {
    UUID id = submit(ONE_AND_TWO);
    awaitReason(id, "waiting for 1 more attention worker and 2 more expert workers");
    WorkerDouble attention = attention();
    WorkerDouble first = expert();
    awaitReason(id, "waiting for 1 more expert worker");

    WorkerDouble second = expert();

    start(id, 1, attention, first, second);
    finish(id, 4, attention, first, second);
  }

  @Test
  void givesWorkersToTheNextInLineWhenARunEnds() {
    UUID first = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    start(first, 1, attention, expert);
    UUID second = submit(ONE_AND_ONE);
    awaitReason(second, "waiting for 1 more attention worker and 1 more expert worker");
    UUID third = submit(ONE_AND_ONE);
    awaitReason(third, "waiting for run " + second + ", which is before it in the queue");

    finish(first, 4, attention, expert);

    start(second, 1, attention, expert);
    assertThat(run(third).path("state").asText()).isEqualTo("submitted");
    finish(second, 4, attention, expert);
    start(third, 1, attention, expert);
    finish(third, 4, attention, expert);
  }

  @Test
  void letsRunsPassOneThatAsksForMoreThanThereIs() {
    UUID greedy = submit("{workers: {attention: 30, experts: 30}}");
    awaitReason(greedy, "waiting for 30 more attention workers and 30 more expert workers");

    UUID modest = submit(ONE_AND_ONE);

    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    start(modest, 1, attention, expert);
    finish(modest, 4, attention, expert);
    post("/api/v1/runs/" + greedy + "/stop", 202);
  }

  @Test
  void leavesTheQueueAtOnceWhenItIsStopped() {
    UUID id = submit(ONE_AND_ONE);

    assertThat(post("/api/v1/runs/" + id + "/stop", 202).path("state").asText())
        .isEqualTo("stopped");

    UUID next = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    start(next, 1, attention, expert);
    finish(next, 4, attention, expert);
    assertThat(states(run(id))).containsExactly("submitted", "stopped");
  }
}
