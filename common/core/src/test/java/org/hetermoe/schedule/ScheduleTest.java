package org.hetermoe.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.schedule.Task.Work;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScheduleTest {
  /** Layer 1's second expert lives on attention worker 0. */
  private static final Placement MOVED =
      new Placement(
          List.of(
              List.of(WorkerRank.expert(0), WorkerRank.expert(0)),
              List.of(WorkerRank.expert(0), WorkerRank.attention(0))));

  @Test
  void zebraIsTheOrderOfTheoremOne() {
    Schedule schedule = new ZebraSchedule(2, 2);
    Placement placement = Placement.balanced(2, 2, 1);

    assertThat(draw(schedule.of(WorkerRank.attention(0), placement)))
        .isEqualTo("A0.0 A0.1 A1.0 A1.1 A2.0 a2.0 A2.1 a2.1 a1.0 a1.1 a0.0 a0.1");
    assertThat(draw(schedule.of(WorkerRank.expert(0), placement)))
        .isEqualTo("E0.0 E0.1 E1.0 E1.1 e1.0 e1.1 e0.0 e0.1");
    assertThat(draw(schedule.forwardOf(WorkerRank.attention(0), placement)))
        .isEqualTo("A0.0 A0.1 A1.0 A1.1 A2.0 A2.1");
    assertThat(draw(schedule.forwardOf(WorkerRank.expert(0), placement)))
        .isEqualTo("E0.0 E0.1 E1.0 E1.1");
  }

  @Test
  void attentionWorkersComputeTheirExpertsAfterTheAttentionOfAllMicroBatches() {
    assertThat(draw(new ZebraSchedule(2, 2).of(WorkerRank.attention(0), MOVED)))
        .isEqualTo(
            "A0.0 A0.1 A1.0 A1.1 E1.0 E1.1 A2.0 a2.0 A2.1 a2.1 e1.0 e1.1 a1.0 a1.1 a0.0 a0.1");
    assertThat(draw(new SequentialSchedule(2, 1).of(WorkerRank.attention(0), MOVED)))
        .isEqualTo("A0.0 A1.0 E1.0 A2.0 a2.0 e1.0 a1.0 a0.0");
  }

  @Test
  void sequentialEndsAMicroBatchBeforeTheNextBegins() {
    Schedule schedule = new SequentialSchedule(1, 2);
    Placement placement = Placement.balanced(1, 2, 1);

    assertThat(draw(schedule.of(WorkerRank.attention(0), placement)))
        .isEqualTo("A0.0 A1.0 a1.0 a0.0 A0.1 A1.1 a1.1 a0.1");
    assertThat(draw(schedule.of(WorkerRank.expert(0), placement))).isEqualTo("E0.0 e0.0 E0.1 e0.1");
  }

  @ParameterizedTest
  @CsvSource({"ZEBRA,1,1", "ZEBRA,1,5", "ZEBRA,4,1", "ZEBRA,7,3", "ZEBRA,32,16", "SEQUENTIAL,4,3"})
  void computesEverythingOnceAndNothingBeforeWhatItNeeds(
      ScheduleKind kind, int layers, int microBatches) {
    Schedule schedule = kind.schedule(layers, microBatches);
    List<Task> attention = schedule.attention();
    List<Task> experts = schedule.experts();

    assertThat(new HashSet<>(attention))
        .hasSize(attention.size())
        .hasSize(2 * (2 * layers + 1) * microBatches);
    assertThat(new HashSet<>(experts)).hasSize(experts.size()).hasSize(2 * layers * microBatches);
    for (int microBatch = 0; microBatch < microBatches; microBatch++) {
      int last = -1;
      for (int stage = 0; stage <= layers; stage++) {
        last = after(last, attention, Task.attention(stage, microBatch, Direction.FORWARD));
        if (stage < layers) {
          last = after(last, attention, Task.experts(stage, microBatch, Direction.FORWARD));
        }
      }
      for (int stage = layers; stage >= 0; stage--) {
        last = after(last, attention, Task.attention(stage, microBatch, Direction.BACKWARD));
        if (stage > 0) {
          last = after(last, attention, Task.experts(stage - 1, microBatch, Direction.BACKWARD));
        }
      }
    }
  }

  private static int after(int previous, List<Task> order, Task task) {
    assertThat(order.indexOf(task)).isGreaterThan(previous);
    return order.indexOf(task);
  }

  private static String draw(List<Task> order) {
    StringBuilder drawn = new StringBuilder();
    for (Task task : order) {
      String letter = task.work() == Work.ATTENTION ? "A" : "E";
      drawn
          .append(task.direction() == Direction.FORWARD ? letter : letter.toLowerCase(Locale.ROOT))
          .append(task.stage())
          .append('.')
          .append(task.microBatch())
          .append(' ');
    }
    return drawn.toString().strip();
  }
}
