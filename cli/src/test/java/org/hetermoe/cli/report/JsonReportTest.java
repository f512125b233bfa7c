package org.hetermoe.cli.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.hetermoe.api.RunView;
import org.hetermoe.run.RunSpecReader;
import org.hetermoe.run.StepMetrics;
import org.junit.jupiter.api.Test;

/**
 * The lines of {@code train --json}, character by character: programs read them, so that a field
 * that is renamed, moved or gone is a change that somebody must want.
 */
class JsonReportTest {
  private static final UUID RUN = UUID.fromString("11111111-2222-3333-4444-555555555555");
  private static final Instant AT = Instant.parse("2026-01-02T03:04:05Z");

  private final StringWriter written = new StringWriter();
  private final JsonReport report = new JsonReport(new PrintWriter(written));

  @Test
  void theBeginSaysWhatRuns() {
    report.begin(run("submitted", null, null, null));

    assertThat(written)
        .hasToString(
            """
            {"event":"run","run":"11111111-2222-3333-4444-555555555555","name":"tiny","steps":9,\
            "channel":"direct","attention":1,"experts":1}
            """);
  }

  @Test
  void aStateComesWithItsReason() {
    report.state(run("preparing", "attempt 1 on 2 workers", null, null));
    report.state(run("running", null, null, null));

    assertThat(written)
        .hasToString(
            """
            {"event":"state","run":"11111111-2222-3333-4444-555555555555","state":"preparing",\
            "reason":"attempt 1 on 2 workers"}
            {"event":"state","run":"11111111-2222-3333-4444-555555555555","state":"running"}
            """);
  }

  @Test
  void aStepKeepsAllDigits() {
    report.step(run("running", null, null, null), step(0.1 + 0.2, null));

    assertThat(written)
        .hasToString(
            """
            {"event":"step","run":"11111111-2222-3333-4444-555555555555","step":3,\
            "loss":0.30000000000000004,"cross_entropy":5.25,"balance_loss":1.5,"z_loss":0.125,\
            "gradient_norm":0.5,"learning_rate":0.001,"tokens":4096,"seconds":0.25,\
            "tokens_per_second":16384.0,"attention_busy":0.75,"expert_busy":0.625}
            """);
  }

  @Test
  void anEvaluationIsALineOfItsOwnAfterItsStep() {
    report.step(run("running", null, null, null), step(2, 1.0 / 3));

    assertThat(written.toString().lines().toList())
        .hasSize(2)
        .last()
        .isEqualTo(
            "{\"event\":\"evaluation\",\"run\":\"11111111-2222-3333-4444-555555555555\","
                + "\"step\":3,\"evaluation_loss\":0.3333333333333333}");
  }

  @Test
  void theEndHasAllLosses() {
    report.end(run("completed", "all 9 steps are done", 1.25, 9), List.of(2.5, 1.0 / 3));
    report.end(run("failed", "expert worker expert-0 is lost", null, null), List.of());

    assertThat(written)
        .hasToString(
            """
            {"event":"end","run":"11111111-2222-3333-4444-555555555555","state":"completed",\
            "reason":"all 9 steps are done","steps":4,"losses":[2.5,0.3333333333333333],\
            "evaluation_loss":1.25,"checkpoint_step":9}
            {"event":"end","run":"11111111-2222-3333-4444-555555555555","state":"failed",\
            "reason":"expert worker expert-0 is lost","steps":4,"losses":[]}
            """);
  }

  private static RunView run(
      String state, String reason, Double evaluationLoss, Integer checkpointStep) {
    return new RunView(
        RUN,
        "tiny",
        state,
        reason,
        AT,
        AT,
        "0.1",
        1,
        9,
        4,
        null,
        evaluationLoss,
        checkpointStep,
        RunSpecReader.defaults(),
        null,
        null,
        null);
  }

  private static StepMetrics step(double loss, Double evaluation) {
    return new StepMetrics(
        RUN,
        1,
        3,
        loss,
        5.25,
        1.5,
        0.125,
        0.5,
        0.001,
        4096,
        0.25,
        16384,
        0.75,
        0.625,
        evaluation,
        null,
        null,
        null,
        AT);
  }
}
