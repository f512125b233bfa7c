package org.hetermoe.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.hetermoe.group.Placement;
import org.hetermoe.optim.LossScaler.State;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.RunSpecReader;
import org.junit.jupiter.api.Test;

class LossScalerTest {
  private static LossScaler scaler(String... overrides) {
    var spec = RunSpecReader.read("", List.of(overrides));
    return new LossScaler(
        GroupPlan.of(spec, Placement.balanced(spec.model().layers(), spec.model().experts(), 1)));
  }

  @Test
  void theScaleHalvesAtAnOverflowAndDoublesAfterManyGoodSteps() {
    LossScaler scaler = scaler("precision=fp16", "training.loss_scale.growth_steps=3");
    assertThat(scaler.state()).isEqualTo(new State(65536, 0, 0));

    scaler.conclude(false);
    scaler.conclude(false);
    assertThat(scaler.state()).isEqualTo(new State(65536, 2, 0));
    scaler.conclude(false);
    assertThat(scaler.state()).isEqualTo(new State(131072, 0, 0));
    scaler.conclude(false);
    assertThat(scaler.overflows(Double.NaN)).isTrue();
    assertThat(scaler.report(true)).get().extracting("skippedSteps").isEqualTo(1);
    scaler.conclude(true);
    assertThat(scaler.state()).isEqualTo(new State(65536, 0, 1));
    assertThat(scaler.updates(6)).isEqualTo(5);
  }

  @Test
  void theScaleStaysWithinItsLimits() {
    LossScaler scaler = scaler("precision.experts=fp16", "training.loss_scale.growth_steps=1");
    for (int step = 0; step < 40; step++) {
      scaler.conclude(false);
    }
    assertThat(scaler.scale()).isEqualTo(0x1p24);
    for (int step = 0; step < 40; step++) {
      scaler.conclude(true);
    }
    assertThat(scaler.scale()).isEqualTo(1);
  }

  @Test
  void withoutFp16NothingIsScaledAndDivergenceEndsTheRun() {
    LossScaler scaler = scaler("precision=bf16");

    assertThat(scaler.scales()).isFalse();
    assertThat(scaler.scale()).isEqualTo(1);
    assertThat(scaler.report(false)).isEmpty();
    scaler.conclude(false);
    assertThat(scaler.updates(7)).isEqualTo(7);
    assertThatThrownBy(() -> scaler.overflows(Double.NaN))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("diverged");
  }
}
