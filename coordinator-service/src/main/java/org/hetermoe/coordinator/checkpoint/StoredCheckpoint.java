package org.hetermoe.coordinator.checkpoint;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.OneToMany;
import jakarta.persistence.OrderBy;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.hetermoe.api.CheckpointView;

/** A checkpoint, complete or being written, as one attempt wrote it. */
@Entity
@Table(name = "checkpoint")
class StoredCheckpoint {
  @Id
  @GeneratedValue(strategy = GenerationType.IDENTITY)
  private Long id;

  @Column(name = "run_id", nullable = false)
  private UUID run;

  @Column(nullable = false)
  private int step;

  @Column(nullable = false)
  private int attempt;

  @Column(name = "created_at", nullable = false)
  private Instant createdAt;

  @Column(name = "completed_at")
  private Instant completedAt;

  private Long bytes;

  @OneToMany(mappedBy = "checkpoint")
  @OrderBy("name")
  private List<StoredShard> shards = new ArrayList<>();

  protected StoredCheckpoint() {}

  Long id() {
    return id;
  }

  UUID run() {
    return run;
  }

  int step() {
    return step;
  }

  int attempt() {
    return attempt;
  }

  Instant createdAt() {
    return createdAt;
  }

  boolean complete() {
    return completedAt != null;
  }

  List<StoredShard> shards() {
    return List.copyOf(shards);
  }

  void complete(Instant at, long size) {
    completedAt = at;
    bytes = size;
  }

  CheckpointView view() {
    return new CheckpointView(
        run, step, completedAt, bytes, shards.stream().map(StoredShard::view).toList());
  }
}
