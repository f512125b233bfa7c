package org.hetermoe.coordinator.planning;

import jakarta.persistence.Column;
import jakarta.persistence.Embeddable;
import jakarta.persistence.EmbeddedId;
import jakarta.persistence.Entity;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.UUID;
import org.hetermoe.run.RunPlan;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;

/** A plan as it is stored. */
@Entity
@Table(name = "run_plan")
class StoredPlan {
  @EmbeddedId private Key key;

  @Column(name = "created_at", nullable = false)
  private Instant createdAt;

  @Column(name = "from_step")
  private Integer fromStep;

  @JdbcTypeCode(SqlTypes.JSON)
  @Column(nullable = false)
  private RunPlan plan;

  protected StoredPlan() {}

  StoredPlan(RunPlan plan) {
    this.key = new Key(plan.run(), plan.attempt(), plan.number());
    this.createdAt = plan.at();
    this.fromStep = plan.fromStep();
    this.plan = plan;
  }

  Key key() {
    return key;
  }

  Instant createdAt() {
    return createdAt;
  }

  Integer fromStep() {
    return fromStep;
  }

  void followed(int afterStep, double seconds) {
    fromStep = afterStep;
    plan = plan.followed(afterStep, seconds);
  }

  RunPlan plan() {
    return plan;
  }

  /** Attempt, and which of its plans. */
  @Embeddable
  record Key(
      @Column(name = "run_id") UUID run,
      @Column(name = "attempt") int attempt,
      @Column(name = "number") int number) {}
}
