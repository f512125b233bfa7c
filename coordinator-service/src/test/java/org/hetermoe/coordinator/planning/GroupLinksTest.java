package org.hetermoe.coordinator.planning;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.LinkCosts;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.LinkMeasurement;
import org.junit.jupiter.api.Test;

class GroupLinksTest {
  private static final LinkCosts SETTING = new LinkCosts(2e9, 1e-4);
  private static final WorkerRank ATTENTION = WorkerRank.attention(0);
  private static final WorkerRank FIRST = WorkerRank.expert(0);
  private static final WorkerRank SECOND = WorkerRank.expert(1);
  private static final List<Assignment.Member> MEMBERS =
      List.of(member(ATTENTION, "a"), member(FIRST, "e"), member(SECOND, "f"));

  private final List<LinkMeasurement> measured = new ArrayList<>();

  @Test
  void aWorkersLinkIsTheSlowestToTheOtherSideInEitherDirection() {
    measure("a", "e", 5e9, 1e-5, 4e9);
    measure("a", "f", 3e9, 7e-5, 6e9);
    // Experts exchange nothing with each other in a step.
    measure("e", "f", 1e6, 1, 1e6);
    GroupLinks links = links(Set.of());

    assertThat(links.of(ATTENTION)).isEqualTo(new LinkCosts(3e9, 7e-5));
    assertThat(links.of(FIRST)).isEqualTo(new LinkCosts(4e9, 1e-5));
    assertThat(links.of(SECOND)).isEqualTo(new LinkCosts(3e9, 7e-5));
    assertThat(MEMBERS).allMatch(member -> links.measured(member.peer()));
    assertThat(links.unknown()).isEmpty();
    // When they move from one to the other, they do.
    assertThat(links.between(FIRST, SECOND)).isEqualTo(new LinkCosts(1e6, 1));
    assertThat(links.between(FIRST, ATTENTION)).isEqualTo(new LinkCosts(4e9, 1e-5));
  }

  @Test
  void theSettingStandsWhereAPairHasNotBeenMeasured() {
    measure("a", "e", 5e9, 1e-5, 4e9);
    measure("a", "stranger", 1, 1, 1);
    measured.add(new LinkMeasurement("a", "f", 1e6, 1, Instant.EPOCH));
    GroupLinks links = links(Set.of());

    assertThat(links.of(ATTENTION)).isEqualTo(SETTING);
    assertThat(links.measured(ATTENTION)).isFalse();
    assertThat(links.measured(FIRST)).isTrue();
    assertThat(links.of(SECOND)).as("one direction only").isEqualTo(SETTING);
    assertThat(links.between(FIRST, SECOND)).isEqualTo(SETTING);
    assertThat(links.unknown()).containsExactly("a", "f");
    assertThat(GroupLinks.of(SETTING).of(FIRST)).isEqualTo(SETTING);
    assertThat(GroupLinks.of(SETTING).unknown()).isEmpty();
  }

  @Test
  void emulatedDevicesKeepTheSetting() {
    measure("a", "e", 5e9, 1e-5, 4e9);
    measure("a", "f", 5e9, 1e-5, 4e9);

    GroupLinks one = links(Set.of(SECOND));
    assertThat(one.of(SECOND)).isEqualTo(SETTING);
    assertThat(one.of(ATTENTION)).isEqualTo(SETTING);
    assertThat(one.measured(FIRST)).isTrue();
    assertThat(one.between(ATTENTION, SECOND)).isEqualTo(SETTING);
    GroupLinks side = links(Set.of(ATTENTION));
    assertThat(MEMBERS).noneMatch(member -> side.measured(member.peer()));
    assertThat(one.unknown()).as("there is nothing to wait for").isEmpty();
  }

  @Test
  void ranksOfOneWorkerNeedNoLink() {
    measure("a", "f", 5e9, 1e-5, 4e9);
    List<Assignment.Member> shared =
        List.of(member(ATTENTION, "a"), member(FIRST, "a"), member(SECOND, "f"));
    GroupLinks links = GroupLinks.of(SETTING, shared, Set.of(), measured);

    assertThat(links.of(ATTENTION)).isEqualTo(new LinkCosts(4e9, 1e-5));
    assertThat(links.measured(FIRST)).as("it has no link to be measured").isFalse();
  }

  private GroupLinks links(Set<WorkerRank> emulated) {
    return GroupLinks.of(SETTING, MEMBERS, emulated, measured);
  }

  private void measure(String from, String to, double out, double latency, double back) {
    measured.add(new LinkMeasurement(from, to, out, latency, Instant.EPOCH));
    measured.add(new LinkMeasurement(to, from, back, latency, Instant.EPOCH));
  }

  private static Assignment.Member member(WorkerRank peer, String worker) {
    return new Assignment.Member(peer, worker, UUID.randomUUID(), "h", 1, peer.rank());
  }
}
