package org.hetermoe.coordinator.profile;

import io.quarkus.runtime.Startup;
import io.smallrye.common.annotation.Blocking;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import java.util.Collection;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.hetermoe.coordinator.broker.Messages;
import org.hetermoe.run.LinkMeasurement;
import org.hetermoe.run.Topics;

/** Takes what workers measure between them, and keeps the newest of each pair and direction. */
@Startup
@ApplicationScoped
public class LinkRegistry {
  private final Messages messages;
  private final EntityManager entities;
  private final LinkStore store;

  LinkRegistry(Messages messages, EntityManager entities, LinkStore store) {
    this.messages = messages;
    this.entities = entities;
    this.store = store;
  }

  @Incoming("links")
  @Blocking
  void take(ConsumerRecord<String, byte[]> message) {
    messages
        .read(Topics.LINKS, message.value(), LinkMeasurement.class, LinkRegistry::sound)
        .ifPresent(link -> messages.handle(Topics.LINKS, link, () -> store.put(link)));
  }

  /** What was measured from and to workers, by their stable ids. */
  public List<LinkMeasurement> among(Collection<String> workers) {
    return entities
        .createQuery(
            "from StoredLink where key.fromWorker in :workers and key.toWorker in :workers"
                + " order by key.fromWorker, key.toWorker",
            StoredLink.class)
        .setParameter("workers", workers)
        .getResultStream()
        .map(StoredLink::measurement)
        .toList();
  }

  /** All that was ever measured. */
  public List<LinkMeasurement> all() {
    return entities
        .createQuery("from StoredLink order by key.fromWorker, key.toWorker", StoredLink.class)
        .getResultStream()
        .map(StoredLink::measurement)
        .toList();
  }

  private static boolean sound(LinkMeasurement link) {
    return link.from() != null
        && link.to() != null
        && link.at() != null
        && link.bytesPerSecond() > 0
        && Double.isFinite(link.bytesPerSecond())
        && link.latencySeconds() >= 0
        && Double.isFinite(link.latencySeconds());
  }
}
