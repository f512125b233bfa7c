package org.hetermoe.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.util.UUID;
import org.hetermoe.run.Command;
import org.hetermoe.run.Event;
import org.hetermoe.run.FailureKind;
import org.junit.jupiter.api.Test;

/**
 * Attempts that cannot go on for what is the run's own: each fails with a reason, and the other
 * workers are told to leave.
 */
@QuarkusTest
@QuarkusTestResource(RealParts.class)
class FailureIT extends ClusterCase {
  @Test
  void failsWhenAWorkerSaysSoAndAbortsTheOthers() {
    UUID id = submit(ONE_AND_TWO);
    WorkerDouble attention = attention();
    WorkerDouble first = expert();
    WorkerDouble second = expert();
    attention.prepare(id, 1);
    first.takeUp(id, 1);
    second.takeUp(id, 1);

    second.report(new Event.Failed(id, 1, second.id(), FailureKind.MEMORY, "out of memory"));

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
    expert.report(new Event.Failed(id, 1, expert.id(), FailureKind.MEMORY, "out of memory"));
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
}
