package org.hetermoe.coordinator.placement;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.UUID;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.junit.jupiter.api.Test;

class AssignedWorkerTest {
  @Test
  void saysWhoFailedBeforeWhy() {
    assertThat(assigned(WorkerRank.expert(0), "expert-3").failure("out of memory"))
        .isEqualTo("expert worker expert-3 failed: out of memory");
  }

  @Test
  void saysWhoFailedOnceWhereTheWorkerSaysItToo() {
    assertThat(
            assigned(WorkerRank.attention(0), "attention-0")
                .failure("attention-0 lost its connection to expert-0: it closed its connection"))
        .isEqualTo(
            "attention worker attention-0 lost its connection to expert-0:"
                + " it closed its connection");
  }

  /** A rank is not a worker: expert 1 may live in a worker of another number. */
  @Test
  void keepsARankThatOnlyLooksLikeTheWorker() {
    assertThat(assigned(WorkerRank.expert(0), "expert-1").failure("expert-1 closed its connection"))
        .isEqualTo("expert worker expert-1 failed: expert-1 closed its connection");
    assertThat(assigned(WorkerRank.expert(1), "expert-1").failure("expert-10 is not there"))
        .isEqualTo("expert worker expert-1 failed: expert-10 is not there");
  }

  private static AssignedWorker assigned(WorkerRank rank, String worker) {
    return new AssignedWorker(
        UUID.randomUUID(),
        1,
        new Assignment.Member(rank, worker, UUID.randomUUID(), "127.0.0.1", 4000, 0));
  }
}
