package org.hetermoe.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.WorkerCosts;
import org.junit.jupiter.api.Test;

class PipelineGraphTest {
  private static double seconds(int layers, double taskSeconds) {
    WorkerCosts worker = Costs.attention(3, 12);
    GroupCosts costs =
        Costs.group(4, 1, 1, List.of(worker.withTokens(worker.tokens(), taskSeconds)), List.of());
    PipelineStage stage = new PipelineStage(costs, 1, layers, true, true);
    return Execution.of(PipelineGraph.of(List.of(stage), 1, AlternatingTraining.PARTS, 1)).seconds;
  }

  @Test
  void aLayerPaysAPauseForItsAttentionAndOneForItsExperts() {
    double pause = 0.25;
    double layer = seconds(3, 0) - seconds(2, 0);

    assertThat(layer).isEqualTo(2 + 4 + 2 * (3 + 6), within(1e-9));
    assertThat(seconds(3, pause) - seconds(2, pause)).isEqualTo(layer + 4 * pause, within(1e-9));
  }
}
