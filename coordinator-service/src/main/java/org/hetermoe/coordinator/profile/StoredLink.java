package org.hetermoe.coordinator.profile;

import jakarta.persistence.Column;
import jakarta.persistence.Embeddable;
import jakarta.persistence.EmbeddedId;
import jakarta.persistence.Entity;
import jakarta.persistence.Table;
import java.time.Instant;
import org.hetermoe.run.LinkMeasurement;

/** What was measured from one worker to another as it is stored. */
@Entity
@Table(name = "worker_link")
class StoredLink {
  @EmbeddedId private Key key;

  @Column(name = "bytes_per_second", nullable = false)
  private double bytesPerSecond;

  @Column(name = "latency_seconds", nullable = false)
  private double latencySeconds;

  @Column(name = "measured_at", nullable = false)
  private Instant measuredAt;

  protected StoredLink() {}

  StoredLink(LinkMeasurement measurement) {
    this.key = new Key(measurement.from(), measurement.to());
    update(measurement);
  }

  final void update(LinkMeasurement next) {
    bytesPerSecond = next.bytesPerSecond();
    latencySeconds = next.latencySeconds();
    measuredAt = next.at();
  }

  LinkMeasurement measurement() {
    return new LinkMeasurement(
        key.fromWorker(), key.toWorker(), bytesPerSecond, latencySeconds, measuredAt);
  }

  /** The two workers, by their stable ids. */
  @Embeddable
  record Key(
      @Column(name = "from_worker") String fromWorker,
      @Column(name = "to_worker") String toWorker) {}
}
