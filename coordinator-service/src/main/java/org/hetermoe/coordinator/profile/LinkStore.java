package org.hetermoe.coordinator.profile;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import jakarta.transaction.Transactional;
import org.hetermoe.run.LinkMeasurement;

/** Writes what was measured between workers. */
@ApplicationScoped
class LinkStore {
  private final EntityManager entities;

  LinkStore(EntityManager entities) {
    this.entities = entities;
  }

  /** Keeps a measurement in the place of an earlier one. */
  @Transactional
  void put(LinkMeasurement measurement) {
    StoredLink known =
        entities.find(StoredLink.class, new StoredLink.Key(measurement.from(), measurement.to()));
    if (known == null) {
      entities.persist(new StoredLink(measurement));
    } else {
      known.update(measurement);
    }
  }
}
