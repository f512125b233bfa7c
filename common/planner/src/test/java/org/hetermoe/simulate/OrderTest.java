package org.hetermoe.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.schedule.SequentialSchedule;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.ZebraSchedule;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Theorem 1 of the paper, held against many other orders; seeded. */
class OrderTest {
  private static final int TRIES = 300;
  private static final double ROUNDING = 1e-9;

  private final Simulator simulator = new Simulator();

  static Stream<GroupCosts> groups() {
    return Stream.of(
        group(2, 3, 1.0, 60),
        group(3, 4, 2.0, 30),
        group(3, 4, 4.0, 30),
        group(4, 2, 1.5, 40),
        group(2, 5, 3.0, 1e9));
  }

  private static GroupCosts group(int layers, int microBatches, double expert, double bandwidth) {
    return Costs.group(
        layers,
        2,
        microBatches,
        List.of(Costs.attention(expert, bandwidth)),
        Costs.times(2, Costs.expert(expert, bandwidth)));
  }

  @ParameterizedTest
  @MethodSource("groups")
  void noSwapOfNeighboursBeatsTheZebraOrder(GroupCosts costs) {
    ZebraSchedule schedule = new ZebraSchedule(costs.layers(), costs.microBatches());
    Placement placement = Placement.balanced(costs.layers(), 2, 2);
    double zebra = simulator.stepSeconds(costs, schedule, placement);
    Random random = new Random(1);
    int executed = 0;
    for (int attempt = 0; attempt < TRIES; attempt++) {
      Map<WorkerRank, List<Task>> orders = new HashMap<>();
      for (WorkerRank worker :
          List.of(WorkerRank.attention(0), WorkerRank.expert(0), WorkerRank.expert(1))) {
        orders.put(worker, new ArrayList<>(schedule.of(worker, placement)));
      }
      for (int swap = 0; swap <= attempt % 4; swap++) {
        List<Task> order =
            orders.get(swap % 2 == 0 ? WorkerRank.attention(0) : WorkerRank.expert(swap / 2));
        int at = random.nextInt(order.size() - 1);
        Collections.swap(order, at, at + 1);
      }
      try {
        double swapped = simulator.stepSeconds(costs, placement, orders::get);
        executed++;
        assertThat(swapped).as("try %d", attempt).isGreaterThanOrEqualTo(zebra - ROUNDING);
      } catch (IllegalArgumentException impossible) {
        assertThat(impossible).hasMessageContaining("cannot be executed");
      }
    }
    assertThat(executed).isGreaterThan(TRIES / 4);
  }

  @ParameterizedTest
  @MethodSource("groups")
  void neverFasterThanItsWorkNorSlowerThanWithoutOverlap(GroupCosts costs) {
    int layers = costs.layers();
    int microBatches = costs.microBatches();
    Placement placement = Placement.balanced(layers, 2, 2);
    double zebra = simulator.stepSeconds(costs, new ZebraSchedule(layers, microBatches), placement);
    double sequential =
        simulator.stepSeconds(costs, new SequentialSchedule(layers, microBatches), placement);
    double attention =
        microBatches
            * (layers * costs.attention().getFirst().attention().both()
                + costs.attention().getFirst().head().both());
    double experts = microBatches * layers * costs.expert().getFirst().experts().fixed().both();

    assertThat(zebra).isGreaterThanOrEqualTo(Math.max(attention, experts));
    assertThat(zebra).isLessThanOrEqualTo(sequential);
    assertThat(sequential).isGreaterThanOrEqualTo(attention + experts - ROUNDING);
  }
}
