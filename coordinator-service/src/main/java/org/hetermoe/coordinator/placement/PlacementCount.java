package org.hetermoe.coordinator.placement;

import jakarta.persistence.Column;
import jakarta.persistence.Embeddable;
import jakarta.persistence.EmbeddedId;
import jakarta.persistence.Entity;
import jakarta.persistence.EnumType;
import jakarta.persistence.Enumerated;
import jakarta.persistence.Table;
import java.util.UUID;
import org.hetermoe.group.WorkerRank;
import org.hibernate.annotations.Immutable;

/** How many experts of a layer a worker owns in an attempt. */
@Entity
@Immutable
@Table(name = "placement_count")
class PlacementCount {
  @EmbeddedId private Key key;

  @Column(nullable = false)
  private int experts;

  protected PlacementCount() {}

  PlacementCount(Key key, int experts) {
    this.key = key;
    this.experts = experts;
  }

  Key key() {
    return key;
  }

  int experts() {
    return experts;
  }

  /** Attempt, layer and worker. */
  @Embeddable
  record Key(
      @Column(name = "run_id") UUID run,
      @Column(name = "attempt") int attempt,
      @Enumerated(EnumType.STRING) @Column(name = "role") WorkerRank.Role role,
      @Column(name = "layer") int layer,
      @Column(name = "rank") int rank) {}
}
