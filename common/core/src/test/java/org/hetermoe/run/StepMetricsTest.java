package org.hetermoe.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.hetermoe.group.WorkerRank;
import org.junit.jupiter.api.Test;

class StepMetricsTest {
  private static StepMetrics metrics(List<WorkerLoad> workers, List<List<Long>> rows) {
    return metrics(8, workers, rows, null);
  }

  private static StepMetrics metrics(
      double gradientNorm, List<WorkerLoad> workers, List<List<Long>> rows, LossScale scale) {
    return new StepMetrics(
        new UUID(1, 2),
        1,
        3,
        4,
        5,
        6,
        7,
        gradientNorm,
        9,
        10,
        11,
        12,
        13,
        14,
        null,
        workers,
        rows,
        scale,
        Instant.EPOCH);
  }

  @Test
  void loadsTravelAsJson() throws Exception {
    StepMetrics metrics =
        metrics(
            List.of(
                new WorkerLoad(WorkerRank.attention(0), 0.5, 1.5, 0.25),
                new WorkerLoad(WorkerRank.expert(0), 0.75, 0, 2)),
            List.of(List.of(1L, 0L), List.of(3L, 4L)));

    String json = Json.MAPPER.writeValueAsString(metrics);

    assertThat(json)
        .contains("\"attention_seconds\":1.5", "\"expert_rows\":[[1,0],[3,4]]", "\"busy\":0.75");
    assertThat(Json.MAPPER.readValue(json, StepMetrics.class)).isEqualTo(metrics);
  }

  @Test
  void whatWasNotKeptIsLeftOut() throws Exception {
    StepMetrics metrics = metrics(null, null);

    String json = Json.MAPPER.writeValueAsString(metrics);

    assertThat(json).doesNotContain("workers", "expert_rows", "evaluation_loss", "loss_scale");
    assertThat(Json.MAPPER.readValue(json, StepMetrics.class)).isEqualTo(metrics);
  }

  @Test
  void aSkippedStepTravelsAsJson() throws Exception {
    StepMetrics metrics =
        metrics(Double.POSITIVE_INFINITY, null, null, new LossScale(65536, 7, true, 2));

    String json = Json.MAPPER.writeValueAsString(metrics);

    assertThat(json).contains("\"gradient_norm\":\"Infinity\"", "\"skipped_steps\":2");
    assertThat(Json.MAPPER.readValue(json, StepMetrics.class)).isEqualTo(metrics);
  }
}
