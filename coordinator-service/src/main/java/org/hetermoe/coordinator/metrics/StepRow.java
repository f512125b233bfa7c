package org.hetermoe.coordinator.metrics;

import jakarta.persistence.Column;
import jakarta.persistence.Embeddable;
import jakarta.persistence.EmbeddedId;
import jakarta.persistence.Entity;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.hetermoe.run.LossScale;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.run.WorkerLoad;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;

/** The metrics of a step as they are stored. */
@Entity
@Table(name = "step_metrics")
class StepRow {
  @EmbeddedId private Key key;

  @Column(nullable = false)
  private int attempt;

  @Column(nullable = false)
  private double loss;

  @Column(name = "cross_entropy", nullable = false)
  private double crossEntropy;

  @Column(name = "balance_loss", nullable = false)
  private double balanceLoss;

  @Column(name = "z_loss", nullable = false)
  private double zLoss;

  @Column(name = "gradient_norm", nullable = false)
  private double gradientNorm;

  @Column(name = "learning_rate", nullable = false)
  private double learningRate;

  @Column(nullable = false)
  private long tokens;

  @Column(nullable = false)
  private double seconds;

  @Column(name = "tokens_per_second", nullable = false)
  private double tokensPerSecond;

  @Column(name = "attention_busy", nullable = false)
  private double attentionBusy;

  @Column(name = "expert_busy", nullable = false)
  private double expertBusy;

  @Column(name = "evaluation_loss")
  private Double evaluationLoss;

  @JdbcTypeCode(SqlTypes.JSON)
  private List<WorkerLoad> workers;

  @JdbcTypeCode(SqlTypes.JSON)
  @Column(name = "expert_rows")
  private List<List<Long>> expertRows;

  @JdbcTypeCode(SqlTypes.JSON)
  @Column(name = "loss_scale")
  private LossScale lossScale;

  @Column(nullable = false)
  private Instant at;

  protected StepRow() {}

  StepRow(StepMetrics step) {
    key = new Key(step.run(), step.step());
    attempt = step.attempt();
    loss = step.loss();
    crossEntropy = step.crossEntropy();
    balanceLoss = step.balanceLoss();
    zLoss = step.zLoss();
    gradientNorm = step.gradientNorm();
    learningRate = step.learningRate();
    tokens = step.tokens();
    seconds = step.seconds();
    tokensPerSecond = step.tokensPerSecond();
    attentionBusy = step.attentionBusy();
    expertBusy = step.expertBusy();
    evaluationLoss = step.evaluationLoss();
    workers = step.workers();
    expertRows = step.expertRows();
    lossScale = step.lossScale();
    at = step.at();
  }

  StepMetrics metrics() {
    return new StepMetrics(
        key.run(),
        attempt,
        key.step(),
        loss,
        crossEntropy,
        balanceLoss,
        zLoss,
        gradientNorm,
        learningRate,
        tokens,
        seconds,
        tokensPerSecond,
        attentionBusy,
        expertBusy,
        evaluationLoss,
        workers,
        expertRows,
        lossScale,
        at);
  }

  /** Run and step. */
  @Embeddable
  record Key(@Column(name = "run_id") UUID run, @Column(name = "step") int step) {}
}
