package org.hetermoe.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.junit.jupiter.api.Test;

class ExpertCapacityTest {
  private static final int LAYERS = 3;
  private static final int EXPERTS = 8;

  /** An expert's state takes 1 byte, each of its rows 1; a layer has 80 rows. */
  private static GroupCosts group(ExpertLoads loads, long memoryBytes) {
    ExpertCosts free = new ExpertCosts(Passes.NONE, Passes.NONE);
    LinkCosts link = new LinkCosts(1, 0);
    WorkerCosts attention =
        new WorkerCosts(
            "a",
            Passes.NONE,
            Passes.NONE,
            Passes.NONE,
            free,
            0,
            0,
            0,
            80,
            link,
            0,
            5,
            5,
            1,
            1,
            0,
            0);
    WorkerCosts expert =
        new WorkerCosts(
            "e",
            Passes.NONE,
            Passes.NONE,
            Passes.NONE,
            free,
            0,
            0,
            0,
            0,
            link,
            0,
            memoryBytes,
            0,
            1,
            1,
            0,
            0);
    return new GroupCosts(
        LAYERS, EXPERTS, 1, 1, 1, List.of(attention), List.of(expert, expert), loads, 0);
  }

  @Test
  void balancedExpertsTakeTheSame() {
    GroupCosts costs = group(ExpertLoads.balanced(LAYERS, EXPERTS), 11 * 7 + 10);

    assertThat(new ExpertCapacity(costs).of(costs.expert().getFirst())).isEqualTo(7);
  }

  /** However a worker's experts are chosen, their rows fit. */
  @Test
  void theHottestExpertsThatAWorkerMayHaveFitItsMemory() {
    for (double ratio = 1.25; ratio <= EXPERTS; ratio *= 1.25) {
      for (long memory = 20; memory < 400; memory += 37) {
        GroupCosts costs = group(LoadPatterns.ratio(LAYERS, EXPERTS, ratio), memory);
        long holds = new ExpertCapacity(costs).of(costs.expert().getFirst());

        long[] bytes = costs.memoryBytes(new ReplicatedPlacement(hottestOnOne(costs, holds)));

        assertThat(bytes[1]).isLessThanOrEqualTo(memory);
      }
    }
  }

  /** Expert worker 0 has so many of the hottest. */
  private static Placement hottestOnOne(GroupCosts costs, long count) {
    List<int[]> all = new ArrayList<>();
    for (int layer = 0; layer < LAYERS; layer++) {
      for (int expert = 0; expert < EXPERTS; expert++) {
        all.add(new int[] {layer, expert});
      }
    }
    all.sort(Comparator.comparingDouble(one -> -costs.rows(one[0], one[1])));
    List<List<WorkerRank>> owners = new ArrayList<>();
    for (int layer = 0; layer < LAYERS; layer++) {
      owners.add(new ArrayList<>(Collections.nCopies(EXPERTS, WorkerRank.expert(1))));
    }
    all.subList(0, (int) Math.min(count, all.size()))
        .forEach(one -> owners.get(one[0]).set(one[1], WorkerRank.expert(0)));
    return new Placement(owners);
  }
}
