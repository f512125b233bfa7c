package org.hetermoe.coordinator.placement;

import jakarta.persistence.Column;
import jakarta.persistence.Embeddable;
import jakarta.persistence.EmbeddedId;
import jakarta.persistence.Entity;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.UUID;
import org.hetermoe.group.Placement;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;

/** An attempt at a run: where it began and what was placed where. */
@Entity
@Table(name = "assignment")
class RunAssignment {
  @EmbeddedId private Key key;

  @Column(name = "created_at", nullable = false)
  private Instant createdAt;

  @Column(name = "resume_from_step", nullable = false)
  private int resumeFromStep;

  @JdbcTypeCode(SqlTypes.JSON)
  @Column(nullable = false)
  private Placement placement;

  protected RunAssignment() {}

  RunAssignment(Key key, Instant createdAt, int resumeFromStep, Placement placement) {
    this.key = key;
    this.createdAt = createdAt;
    this.resumeFromStep = resumeFromStep;
    this.placement = placement;
  }

  Key key() {
    return key;
  }

  Instant createdAt() {
    return createdAt;
  }

  int resumeFromStep() {
    return resumeFromStep;
  }

  Placement placement() {
    return placement;
  }

  void move(Placement next) {
    placement = next;
  }

  /** Run and attempt. */
  @Embeddable
  record Key(@Column(name = "run_id") UUID run, @Column(name = "attempt") int attempt) {}
}
