package org.hetermoe.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class WorkCurveTest {
  private static final WorkCurve CURVE =
      new WorkCurve(
          List.of(
              new WorkCurve.Point(1_000, 30e-6),
              new WorkCurve.Point(100, 10e-6),
              new WorkCurve.Point(200, 15e-6)));

  @Test
  void growsEvenlyBetweenMeasuredSizes() {
    assertThat(CURVE.seconds(100)).isEqualTo(10e-6, within(1e-12));
    assertThat(CURVE.seconds(150)).isEqualTo(12.5e-6, within(1e-12));
    assertThat(CURVE.seconds(600)).isEqualTo(22.5e-6, within(1e-12));
  }

  @Test
  void goesOnWithTheFixedCostBelowAndTheLastRateAbove() {
    assertThat(CURVE.seconds(50)).isEqualTo(7.5e-6, within(1e-12));
    assertThat(CURVE.seconds(10_000)).isEqualTo(300e-6, within(1e-12));
    assertThat(CURVE.seconds(0)).isZero();
  }

  @Test
  void neverFallsBelowTheSmallestSizesRate() {
    WorkCurve steep =
        new WorkCurve(List.of(new WorkCurve.Point(100, 1), new WorkCurve.Point(200, 10)));

    assertThat(steep.seconds(50)).isEqualTo(0.5);
  }

  @Test
  void takesNoLessForMore() {
    WorkCurve noisy =
        new WorkCurve(List.of(new WorkCurve.Point(100, 2), new WorkCurve.Point(200, 1)));

    assertThat(noisy.seconds(150)).isEqualTo(2);
    assertThat(noisy.seconds(400)).isEqualTo(4);
  }

  @Test
  void refusesWhatIsNoMeasurement() {
    assertThatThrownBy(() -> new WorkCurve(List.of())).hasMessageContaining("needs a point");
    assertThatThrownBy(() -> new WorkCurve(List.of(new WorkCurve.Point(1, 0))))
        .hasMessageContaining("needs work and time");
  }
}
