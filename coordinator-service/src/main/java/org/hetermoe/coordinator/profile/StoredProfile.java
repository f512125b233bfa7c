package org.hetermoe.coordinator.profile;

import jakarta.persistence.Column;
import jakarta.persistence.Embeddable;
import jakarta.persistence.EmbeddedId;
import jakarta.persistence.Entity;
import jakarta.persistence.Table;
import java.time.Instant;
import org.hetermoe.run.WorkerProfile;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;

/** The profile of a device as it is stored. */
@Entity
@Table(name = "device_profile")
class StoredProfile {
  @EmbeddedId private Key key;

  @Column(nullable = false)
  private Instant at;

  @JdbcTypeCode(SqlTypes.JSON)
  @Column(nullable = false)
  private WorkerProfile profile;

  protected StoredProfile() {}

  StoredProfile(WorkerProfile profile) {
    this.key = new Key(profile.device(), profile.softwareVersion());
    update(profile);
  }

  final void update(WorkerProfile next) {
    at = next.at();
    profile = next;
  }

  Key key() {
    return key;
  }

  Instant at() {
    return at;
  }

  WorkerProfile profile() {
    return profile;
  }

  /** Device and software. */
  @Embeddable
  record Key(
      @Column(name = "device") String device,
      @Column(name = "software_version") String softwareVersion) {}
}
