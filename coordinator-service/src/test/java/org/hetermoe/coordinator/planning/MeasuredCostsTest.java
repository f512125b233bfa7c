package org.hetermoe.coordinator.planning;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.ExpertCosts;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.LinkCosts;
import org.hetermoe.plan.Passes;
import org.hetermoe.plan.WorkerCosts;
import org.junit.jupiter.api.Test;

class MeasuredCostsTest {
  private static WorkerCosts worker(Passes attention, int tokens) {
    ExpertCosts experts = new ExpertCosts(new Passes(1, 2), new Passes(0.25, 0.5));
    LinkCosts link = new LinkCosts(1e9, 1e-3);
    return new WorkerCosts(
        "d",
        attention,
        Passes.NONE,
        Passes.NONE,
        experts,
        3,
        4,
        5,
        tokens,
        link,
        0.125,
        1000,
        100,
        10,
        2,
        7,
        3);
  }

  @Test
  void secondsAreSetRightAndNothingElseChanges() {
    Placement placement = Placement.balanced(1, 2, 1);
    GroupCosts costs =
        new GroupCosts(
            1,
            2,
            1,
            1,
            8,
            List.of(worker(new Passes(2, 4), 16)),
            List.of(worker(Passes.NONE, 0)),
            ExpertLoads.balanced(1, 2),
            48);

    GroupCosts corrected =
        MeasuredCosts.corrected(
            costs,
            costs,
            placement,
            Map.of(WorkerRank.attention(0), new MeasuredCosts.Spent(12, 0)));

    WorkerCosts before = costs.attention().getFirst();
    assertThat(corrected)
        .isEqualTo(
            costs.withWorkers(
                List.of(
                    before.withSeconds(
                        new Passes(4, 8), Passes.NONE, Passes.NONE, before.experts())),
                costs.expert()));
    assertThat(corrected.gradientBytes()).isEqualTo(48);
    assertThat(corrected.attention().getFirst().taskSeconds()).isEqualTo(0.125);
  }
}
