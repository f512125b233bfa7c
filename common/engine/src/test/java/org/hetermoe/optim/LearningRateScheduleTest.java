package org.hetermoe.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.hetermoe.run.OptimizerSpec;
import org.junit.jupiter.api.Test;

class LearningRateScheduleTest {
  private static LearningRateSchedule schedule(int warmup, int steps) {
    return new LearningRateSchedule(
        new OptimizerSpec(1e-2, 1e-3, warmup, 0.9, 0.95, 1e-8, 0.1, false, 1), steps);
  }

  @Test
  void warmsUpLinearlyAndEndsAtTheMinimum() {
    LearningRateSchedule schedule = schedule(10, 110);

    assertThat(schedule.at(1)).isCloseTo(1e-3, within(1e-12));
    assertThat(schedule.at(10)).isEqualTo(1e-2);
    assertThat(schedule.at(60)).isCloseTo((1e-2 + 1e-3) / 2, within(1e-12));
    assertThat(schedule.at(110)).isCloseTo(1e-3, within(1e-12));
  }

  @Test
  void neverRisesAfterTheWarmUp() {
    LearningRateSchedule schedule = schedule(3, 50);

    for (int step = 4; step <= 50; step++) {
      assertThat(schedule.at(step)).isLessThanOrEqualTo(schedule.at(step - 1));
    }
  }

  @Test
  void aRunShorterThanItsWarmUpOnlyWarmsUp() {
    assertThat(schedule(10, 5).at(5)).isCloseTo(5e-3, within(1e-12));
  }

  @Test
  void clipsByTheNormAndNotBelowIt() {
    assertThat(GradientClipping.coefficient(0.5, 1)).isEqualTo(1);
    assertThat(GradientClipping.coefficient(4, 1)).isCloseTo(0.25, within(1e-6));
    assertThat(GradientClipping.coefficient(4, 0)).isEqualTo(1);
  }
}
