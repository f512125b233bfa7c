package org.hetermoe.coordinator.planning;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.hetermoe.device.EmulatedDevices;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.LinkCosts;
import org.hetermoe.run.Assignment;
import org.junit.jupiter.api.Test;

class GroupDevicesTest {
  private static final WorkerRank ATTENTION = WorkerRank.attention(0);
  private static final WorkerRank EXPERT = WorkerRank.expert(0);
  private static final GroupLinks LINKS = GroupLinks.of(new LinkCosts(1e9, 1e-4));

  @Test
  void namesEachWorkerWithoutAProfile() {
    GroupDevices devices =
        new GroupDevices(
            List.of(member(ATTENTION, "attention-3"), member(EXPERT, "expert-1")),
            Map.of(),
            Set.of(),
            LINKS);

    assertThat(devices.unknown())
        .containsExactly("attention worker attention-3", "expert worker expert-1");
  }

  /** Over the memory channel all ranks live in one attention worker. */
  @Test
  void namesAWorkerOfSeveralRanksOnce() {
    List<Assignment.Member> oneWorker =
        List.of(member(ATTENTION, "attention-3"), member(EXPERT, "attention-3"));

    assertThat(new GroupDevices(oneWorker, Map.of(), Set.of(), LINKS).unknown())
        .containsExactly("attention worker attention-3");
    assertThat(
            new GroupDevices(
                    oneWorker,
                    Map.of(ATTENTION, EmulatedDevices.of("emulation", "A40", 1, 1, 1)),
                    Set.of(),
                    LINKS)
                .unknown())
        .containsExactly("attention worker attention-3");
  }

  private static Assignment.Member member(WorkerRank rank, String worker) {
    return new Assignment.Member(rank, worker, UUID.randomUUID(), "127.0.0.1", 4000, 0);
  }
}
