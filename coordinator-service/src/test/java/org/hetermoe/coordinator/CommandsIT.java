package org.hetermoe.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.util.UUID;
import org.hetermoe.coordinator.broker.CommandOutbox;
import org.hetermoe.group.Placement;
import org.hetermoe.run.Command;
import org.junit.jupiter.api.Test;

/** Commands on their way to the broker. */
@QuarkusTest
@QuarkusTestResource(RealParts.class)
class CommandsIT extends ClusterCase {
  @Inject CommandOutbox outbox;

  @Test
  void oneThatIsTooLargeFailsItsRunAndHoldsUpNoOther() {
    UUID id = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    start(id, 1, attention, expert);

    // When a command has more than the 8 MiB that the topic takes
    Placement large = Placement.balanced(1_000, 1_000, 1);
    QuarkusTransaction.requiringNew()
        .run(() -> outbox.add(new Command.Rebalance(attention.instance(), id, 1, large)));
    WorkerDouble otherAttention = attention();
    WorkerDouble otherExpert = expert();
    UUID other = submit(ONE_AND_ONE);

    // Then commands of other runs go out
    start(other, 1, otherAttention, otherExpert);
    finish(other, 4, otherAttention, otherExpert);
    // And its run fails with that reason
    assertThat(awaitState(id, "failed").path("reason").asText())
        .contains("a command to its workers")
        .contains("more than the broker takes");
    attention.await(Command.Abort.class, id, 1);
    expert.await(Command.Abort.class, id, 1);
    attention.rest();
    expert.rest();
  }
}
