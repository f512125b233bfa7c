package org.hetermoe.coordinator.checkpoint;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.FetchType;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.JoinColumn;
import jakarta.persistence.ManyToOne;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.List;
import org.hetermoe.api.CheckpointView;
import org.hetermoe.api.ShardSummary;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;

/** A shard of a checkpoint; what it holds is known once it is complete. */
@Entity
@Table(name = "checkpoint_shard")
class StoredShard {
  @Id
  @GeneratedValue(strategy = GenerationType.IDENTITY)
  private Long id;

  @ManyToOne(fetch = FetchType.LAZY, optional = false)
  @JoinColumn(name = "checkpoint_id")
  private StoredCheckpoint checkpoint;

  @Column(nullable = false)
  private String name;

  @Column(name = "completed_at")
  private Instant completedAt;

  private Long bytes;

  private String sha256;

  @JdbcTypeCode(SqlTypes.JSON)
  private List<String> tensors;

  protected StoredShard() {}

  Long id() {
    return id;
  }

  StoredCheckpoint checkpoint() {
    return checkpoint;
  }

  String name() {
    return name;
  }

  boolean complete() {
    return completedAt != null;
  }

  long bytes() {
    return bytes;
  }

  String sha256() {
    return sha256;
  }

  void complete(ShardSummary summary, Instant at) {
    completedAt = at;
    bytes = summary.bytes();
    sha256 = summary.sha256();
    tensors = summary.tensors();
  }

  CheckpointView.Shard view() {
    return new CheckpointView.Shard(name, bytes, sha256, tensors);
  }
}
