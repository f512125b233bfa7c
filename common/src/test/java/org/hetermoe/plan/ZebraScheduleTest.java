package org.hetermoe.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import org.hetermoe.plan.Task.Direction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ZebraScheduleTest {
  @Test
  void isTheOrderOfTheoremOne() {
    ZebraSchedule schedule = new ZebraSchedule(2, 2);

    assertThat(draw("A", schedule.attention()))
        .isEqualTo("A0.0 A0.1 A1.0 A1.1 A2.0 a2.0 A2.1 a2.1 a1.0 a1.1 a0.0 a0.1");
    assertThat(draw("E", schedule.experts())).isEqualTo("E0.0 E0.1 E1.0 E1.1 e1.0 e1.1 e0.0 e0.1");
    assertThat(draw("A", schedule.attentionForward())).isEqualTo("A0.0 A0.1 A1.0 A1.1 A2.0 A2.1");
    assertThat(draw("E", schedule.expertsForward())).isEqualTo("E0.0 E0.1 E1.0 E1.1");
  }

  @ParameterizedTest
  @CsvSource({"1,1", "1,5", "4,1", "7,3", "32,16"})
  void computesEverythingOnceAndNothingBeforeWhatItNeeds(int layers, int microBatches) {
    ZebraSchedule schedule = new ZebraSchedule(layers, microBatches);
    List<Task> attention = schedule.attention();
    List<Task> experts = schedule.experts();

    assertThat(new HashSet<>(attention))
        .hasSize(attention.size())
        .hasSize(2 * (layers + 1) * microBatches);
    assertThat(new HashSet<>(experts)).hasSize(experts.size()).hasSize(2 * layers * microBatches);
    for (int microBatch = 0; microBatch < microBatches; microBatch++) {
      int last = -1;
      for (int stage = 0; stage <= layers; stage++) {
        last = after(last, attention, new Task(stage, microBatch, Direction.FORWARD));
      }
      for (int stage = layers; stage >= 0; stage--) {
        last = after(last, attention, new Task(stage, microBatch, Direction.BACKWARD));
      }
    }
  }

  private static int after(int previous, List<Task> order, Task task) {
    assertThat(order.indexOf(task)).isGreaterThan(previous);
    return order.indexOf(task);
  }

  private static String draw(String side, List<Task> order) {
    StringBuilder drawn = new StringBuilder();
    for (Task task : order) {
      String letter =
          task.direction() == Direction.FORWARD ? side : side.toLowerCase(java.util.Locale.ROOT);
      drawn.append(letter).append(task.stage()).append('.').append(task.microBatch()).append(' ');
    }
    return drawn.toString().strip();
  }
}
