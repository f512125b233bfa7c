package org.hetermoe.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.ExpertCosts;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.LinkCosts;
import org.hetermoe.plan.Passes;
import org.hetermoe.plan.Replica;
import org.hetermoe.plan.ReplicatedPlacement;
import org.hetermoe.plan.WorkerCosts;
import org.hetermoe.schedule.SequentialSchedule;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.ZebraSchedule;
import org.junit.jupiter.api.Test;

/** Timelines that were worked out by hand. */
class SimulatorTest {
  private static final WorkerRank ATTENTION = WorkerRank.attention(0);
  private static final WorkerRank EXPERT = WorkerRank.expert(0);

  private final Simulator simulator = new Simulator();

  /** Twelve bytes over 12 bytes a second: each message takes a second. */
  private final GroupCosts pair =
      Costs.group(1, 1, 2, List.of(Costs.attention(3, 12)), List.of(Costs.expert(3, 12)));

  private final Placement onExpert = Placement.balanced(1, 1, 1);

  @Test
  void zebraOverlapsTheTwoSides() {
    /*
     * A0.0 0-2, A0.1 2-4, D 2-3 and 4-5, E0.0 3-6, E0.1 6-9, C 6-7 and 9-10, heads 7-8-10 and
     * 10-11-13, d 10-11 and 13-14, e0.0 11-17, e0.1 17-23, c 17-18 and 23-24, a0.0 18-22, a0.1
     * 24-28.
     */
    assertThat(simulator.stepSeconds(pair, new ZebraSchedule(1, 2), onExpert)).isEqualTo(28);
  }

  @Test
  void sequentialDoesNot() {
    // Each micro-batch alone: 2+1+3+1 +1+2 +1+6+1+4 = 22.
    assertThat(simulator.stepSeconds(pair, new SequentialSchedule(1, 2), onExpert)).isEqualTo(44);
  }

  @Test
  void ownTokensStayWhereTheyAre() {
    // Given: the only expert on the only attention worker
    Placement onAttention = new Placement(List.of(List.of(ATTENTION)));

    // Then: 2 times (2+3+1+2+6+4), whatever the link
    assertThat(simulator.stepSeconds(pair, new ZebraSchedule(1, 2), onAttention)).isEqualTo(36);
  }

  @Test
  void attentionWorkersSendTheirTokensToEachOther() {
    // Given: two attention workers, each owner of one of two experts; half of 12 bytes at 6 a
    // second
    WorkerCosts worker = Costs.attention(3, 6);
    GroupCosts costs = Costs.group(1, 2, 1, List.of(worker, worker), List.of());
    Placement each =
        new Placement(List.of(List.of(WorkerRank.attention(0), WorkerRank.attention(1))));

    // Then: 2, D 1, 3, C 1, 1, 2, d 1, 6, c 1, 4
    assertThat(simulator.stepSeconds(costs, new ZebraSchedule(1, 1), each)).isEqualTo(22);
  }

  @Test
  void latencyIsPaidPerMessage() {
    WorkerCosts slow = withLink(Costs.attention(3, 12), new LinkCosts(12, 0.25));
    WorkerCosts expert = withLink(Costs.expert(3, 12), new LinkCosts(12, 0.25));
    GroupCosts costs = Costs.group(1, 1, 1, List.of(slow), List.of(expert));

    assertThat(simulator.stepSeconds(costs, new ZebraSchedule(1, 1), onExpert))
        .isEqualTo(22 + 4 * 0.25);
  }

  @Test
  void workersBehindOneCardShareIt() {
    // Given: two attention workers, each with a card of its own, or with one between them
    GroupCosts apart = twoSenders(LinkCosts.OWN);
    GroupCosts together = twoSenders(7);

    // Then: the second dispatch waits for the first (1), the second combine too (1), whereupon the
    // second gradients leave after the first anyway; so does what comes back (1)
    double own = simulator.stepSeconds(apart, new ZebraSchedule(1, 1), onExpert);
    double shared = simulator.stepSeconds(together, new ZebraSchedule(1, 1), onExpert);
    assertThat(own).isEqualTo(22);
    assertThat(shared).isEqualTo(22 + 3);
  }

  private static GroupCosts twoSenders(int nic) {
    WorkerCosts worker = withLink(Costs.attention(3, 12), new LinkCosts(12, 0, nic));
    return Costs.group(
        1,
        1,
        1,
        List.of(worker, worker),
        List.of(withLink(Costs.expert(3, 12), new LinkCosts(24, 0))));
  }

  private static WorkerCosts withLink(WorkerCosts worker, LinkCosts link) {
    return new WorkerCosts(
        worker.device(),
        worker.attention(),
        worker.embedding(),
        worker.head(),
        worker.experts(),
        worker.reduceSeconds(),
        worker.optimizerSeconds(),
        worker.expertOptimizerSeconds(),
        worker.tokens(),
        link,
        worker.taskSeconds(),
        worker.memoryBytes(),
        worker.residentBytes(),
        worker.expertBytes(),
        worker.expertRowBytes(),
        worker.workingBytes(),
        worker.workingRowBytes());
  }

  @Test
  void ownersOfOneExpertShareItsRowsAndReduceItsGradients() {
    /*
     * Given: 12 rows, an expert worker takes 1/4 second a row forward; 24 bytes of gradients go
     * round a ring of two twice, half of them each time, at 12 bytes a second
     */
    WorkerCosts expert = perRow(Costs.expert(0, 12), 0.25);
    GroupCosts costs =
        Costs.group(1, 1, 1, List.of(Costs.attention(3, 12)), List.of(expert, expert))
            .withGradientBytes(24);
    ReplicatedPlacement both =
        new ReplicatedPlacement(onExpert).with(new Replica(0, 0, WorkerRank.expert(1)));

    // Then: 2, D 1, 3, C 1, head 1+2, d 1, 6, c 1, 4
    assertThat(simulator.stepSeconds(costs, new ZebraSchedule(1, 1), onExpert)).isEqualTo(22);
    // Then: the experts take 1.5 and 3 instead, dispatch and combine 1 as before at the attention
    // worker's card; the reduction, 2, is done before the last attention
    assertThat(simulator.stepSeconds(costs, new ZebraSchedule(1, 1), both)).isEqualTo(17.5);
    assertThat(simulator.stepSeconds(costs.withGradientBytes(120), new ZebraSchedule(1, 1), both))
        .isEqualTo(17.5 - 4 - 1 + 10);
  }

  @Test
  void eachOwnerHoldsTheExpert() {
    GroupCosts costs =
        Costs.group(1, 1, 1, List.of(Costs.attention(3, 12)), Costs.times(2, Costs.expert(3, 12)));
    ReplicatedPlacement both =
        new ReplicatedPlacement(onExpert).with(new Replica(0, 0, WorkerRank.expert(1)));

    assertThat(Memory.rows(costs, new SimulatedWorkers(costs, both, false), both))
        .extracting(StepTimeline.Row::memoryBytes)
        .containsExactly(100L, 110L, 110L);
    assertThatThrownBy(() -> both.with(new Replica(0, 0, WorkerRank.expert(0))))
        .hasMessageContaining("second time");
  }

  private static WorkerCosts perRow(WorkerCosts worker, double forward) {
    return worker.withSeconds(
        worker.attention(),
        worker.embedding(),
        worker.head(),
        new ExpertCosts(Passes.NONE, new Passes(forward, 2 * forward)));
  }

  @Test
  void mergingWorkersThatAreAlikeChangesNothing() {
    // Given
    GroupCosts costs =
        Costs.group(
            3,
            8,
            4,
            Costs.times(2, Costs.attention(0.7, 30)),
            Costs.times(4, Costs.expert(0.9, 20)));
    List<WorkerRank> moved =
        new ArrayList<>(List.of(WorkerRank.attention(0), WorkerRank.attention(1)));
    for (int expert = 2; expert < 8; expert++) {
      moved.add(WorkerRank.expert(expert % 4));
    }
    Placement placement =
        new Placement(List.of(moved, Placement.balanced(1, 8, 4).owners().getFirst(), moved));
    ZebraSchedule schedule = new ZebraSchedule(3, 4);

    // When
    double merged = simulator.stepSeconds(costs, schedule, placement);
    double each = simulator.stepSeconds(costs, placement, worker -> schedule.of(worker, placement));

    // Then
    assertThat(merged).isCloseTo(each, within(1e-9));
  }

  @Test
  void refusesOrdersThatCannotBeExecuted() {
    // Given: backward before forward
    ZebraSchedule schedule = new ZebraSchedule(1, 2);
    List<Task> backwards = new ArrayList<>(schedule.of(EXPERT, onExpert));
    Collections.reverse(backwards);

    // Then
    assertThatThrownBy(
            () ->
                simulator.stepSeconds(
                    pair,
                    onExpert,
                    worker -> worker.equals(EXPERT) ? backwards : schedule.of(worker, onExpert)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("cannot be executed");
    assertThatThrownBy(() -> simulator.stepSeconds(pair, onExpert, worker -> schedule.experts()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("lacks");
  }
}
