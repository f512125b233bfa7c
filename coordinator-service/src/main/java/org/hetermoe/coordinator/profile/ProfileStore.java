package org.hetermoe.coordinator.profile;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import jakarta.transaction.Transactional;
import org.hetermoe.run.WorkerProfile;

/** Writes profiles. */
@ApplicationScoped
class ProfileStore {
  private final EntityManager entities;

  ProfileStore(EntityManager entities) {
    this.entities = entities;
  }

  /** Keeps a profile, and forgets those that other software took of the device. */
  @Transactional
  void put(WorkerProfile profile) {
    entities
        .createQuery(
            "delete from StoredProfile where key.device = :device"
                + " and key.softwareVersion <> :software")
        .setParameter("device", profile.device())
        .setParameter("software", profile.softwareVersion())
        .executeUpdate();
    StoredProfile known =
        entities.find(
            StoredProfile.class,
            new StoredProfile.Key(profile.device(), profile.softwareVersion()));
    if (known == null) {
      entities.persist(new StoredProfile(profile));
    } else {
      known.update(profile);
    }
  }
}
