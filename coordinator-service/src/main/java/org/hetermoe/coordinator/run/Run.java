package org.hetermoe.coordinator.run;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.UUID;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.StepMetrics;
import org.hibernate.annotations.DynamicUpdate;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;

/** A run as it is stored. */
@Entity
@Table(name = "run")
@DynamicUpdate
public class Run {
  @Id private UUID id;

  @Column(nullable = false)
  private String name;

  @Column(nullable = false)
  private String state;

  @Column(nullable = false)
  private String reason;

  @Column(name = "created_at", nullable = false)
  private Instant createdAt;

  @Column(name = "updated_at", nullable = false)
  private Instant updatedAt;

  @Column(name = "state_since", nullable = false)
  private Instant stateSince;

  @Column(name = "queued_at", nullable = false)
  private Instant queuedAt;

  @Column(name = "software_version", nullable = false)
  private String softwareVersion;

  @Column(nullable = false)
  private int attempt;

  @Column(nullable = false)
  private int steps;

  @Column(name = "steps_done", nullable = false)
  private int stepsDone;

  @Column(name = "last_loss")
  private Double lastLoss;

  @Column(name = "evaluation_loss")
  private Double evaluationLoss;

  @Column(name = "checkpoint_step")
  private Integer checkpointStep;

  /** Of the present attempt; null before the first. */
  @Column(name = "expert_workers")
  private Integer expertWorkers;

  /** Attempts that could not go on since the newest checkpoint. */
  @Column(nullable = false)
  private int recoveries;

  /** Before this, no attempt follows the one that could not go on. */
  @Column(name = "retry_at")
  private Instant retryAt;

  @JdbcTypeCode(SqlTypes.JSON)
  @Column(nullable = false, updatable = false)
  private RunSpec spec;

  /** For Hibernate. */
  protected Run() {}

  Run(UUID id, RunSpec spec, RunState.Submitted state, String softwareVersion, Instant at) {
    this.id = id;
    this.name = spec.name();
    this.state = state.label();
    this.reason = state.reason();
    this.createdAt = at;
    this.updatedAt = at;
    this.stateSince = at;
    this.queuedAt = at;
    this.softwareVersion = softwareVersion;
    this.steps = spec.training().steps();
    this.spec = spec;
  }

  /** Id of the run. */
  public UUID id() {
    return id;
  }

  String name() {
    return name;
  }

  RunState state() {
    return RunState.of(state, reason);
  }

  /** Whether workers belong to the run. */
  public boolean active() {
    return state() instanceof RunState.Active;
  }

  /** Whether it trains, and is not about to end. */
  public boolean running() {
    return state() instanceof RunState.Running;
  }

  Instant createdAt() {
    return createdAt;
  }

  Instant updatedAt() {
    return updatedAt;
  }

  Instant stateSince() {
    return stateSince;
  }

  String softwareVersion() {
    return softwareVersion;
  }

  /** Attempts so far. */
  public int attempt() {
    return attempt;
  }

  /** Steps that it is to have. */
  public int steps() {
    return steps;
  }

  /** The last step that was reported. */
  public int stepsDone() {
    return stepsDone;
  }

  Double lastLoss() {
    return lastLoss;
  }

  Double evaluationLoss() {
    return evaluationLoss;
  }

  Integer checkpointStep() {
    return checkpointStep;
  }

  /** The run file, resolved. */
  public RunSpec spec() {
    return spec;
  }

  /** The run file as the present attempt has it, which has as many workers as there were. */
  public RunSpec attemptSpec() {
    return expertWorkers == null ? spec : spec.withExpertWorkers(expertWorkers);
  }

  /** Attempts that could not go on since the newest checkpoint. */
  int recoveries() {
    return recoveries;
  }

  /** Before this, no attempt follows the one that could not go on; null for no such time. */
  Instant retryAt() {
    return retryAt;
  }

  /** Another attempt follows by itself, not before {@code at}. */
  void recoverAt(Instant at) {
    recoveries++;
    retryAt = at;
  }

  /** Whatever went wrong before counts no more. */
  void forgetRecoveries() {
    recoveries = 0;
    retryAt = null;
  }

  void become(RunState next, Instant at) {
    if (!next.label().equals(state)) {
      stateSince = at;
      if (next instanceof RunState.Submitted) {
        queuedAt = at;
      }
    }
    state = next.label();
    reason = next.reason();
    updatedAt = at;
  }

  /** The step after which another attempt goes on: that of the newest checkpoint; 0 for none. */
  int resumeStep() {
    return checkpointStep == null ? 0 : checkpointStep;
  }

  /** Whether its newest complete checkpoint is of its last step. */
  boolean allDone() {
    return resumeStep() >= steps;
  }

  /** Notes that the last step is done, whether it was reported or not. */
  void noteAllDone() {
    stepsDone = steps;
  }

  /** Begins another attempt, from where the newest complete checkpoint was taken. */
  void beginAttempt(int resumeFromStep, int experts) {
    attempt++;
    expertWorkers = experts;
    retryAt = null;
    stepsDone = resumeFromStep;
  }

  /** Notes a step of the present attempt, which may have been noted before. */
  public void noteStep(StepMetrics step, Instant at) {
    if (step.step() < stepsDone) {
      return;
    }
    stepsDone = step.step();
    lastLoss = step.loss();
    if (step.evaluationLoss() != null) {
      evaluationLoss = step.evaluationLoss();
    }
    updatedAt = at;
  }

  /** Sets back the losses to those of the step that the run resumes from; null for none. */
  public void setBackLosses(Double last, Double evaluation) {
    lastLoss = last;
    evaluationLoss = evaluation;
  }

  /** Notes that a checkpoint is complete. */
  public void noteCheckpoint(int step) {
    if (checkpointStep == null || step > checkpointStep) {
      recoveries = 0;
    }
    checkpointStep = checkpointStep == null ? step : Math.max(checkpointStep, step);
  }
}
