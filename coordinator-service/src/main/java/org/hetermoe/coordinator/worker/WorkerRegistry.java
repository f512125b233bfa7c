package org.hetermoe.coordinator.worker;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Startup;
import io.quarkus.scheduler.Scheduled;
import io.smallrye.common.annotation.Blocking;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.persistence.EntityManager;
import jakarta.transaction.Transactional;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.hetermoe.api.WorkerView;
import org.hetermoe.coordinator.broker.Messages;
import org.hetermoe.coordinator.profile.LinkRegistry;
import org.hetermoe.coordinator.profile.ProfileRegistry;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Heartbeat;
import org.hetermoe.run.LinkMeasurement;
import org.hetermoe.run.Topics;

/** Takes heartbeats, and remembers in the database which workers there have been. */
@Startup
@ApplicationScoped
public class WorkerRegistry {
  private final Roster roster;
  private final Messages messages;
  private final EntityManager entities;
  private final Event<WorkerChanged> changes;
  private final ProfileRegistry profiles;
  private final LinkRegistry links;

  WorkerRegistry(
      Roster roster,
      Messages messages,
      EntityManager entities,
      Event<WorkerChanged> changes,
      ProfileRegistry profiles,
      LinkRegistry links,
      MeterRegistry meters) {
    this.roster = roster;
    this.messages = messages;
    this.entities = entities;
    this.changes = changes;
    this.profiles = profiles;
    this.links = links;
    for (WorkerRank.Role role : WorkerRank.Role.values()) {
      Gauge.builder("hetermoe.workers.alive", () -> alive(role))
          .tag("role", role.name().toLowerCase(Locale.ROOT))
          .description("Workers whose heartbeats arrive")
          .register(meters);
    }
  }

  /** Something about a worker has changed that matters to runs. */
  public record WorkerChanged(String worker) {}

  @Incoming("heartbeats")
  @Blocking
  void heartbeat(ConsumerRecord<String, byte[]> message) {
    messages
        .read(Topics.HEARTBEATS, message.value(), Heartbeat.class, WorkerRegistry::complete)
        .ifPresent(
            heartbeat -> {
              if (roster.note(heartbeat)) {
                changes.fire(new WorkerChanged(heartbeat.worker()));
              }
            });
  }

  /** Writes what is known to the database. */
  @Scheduled(every = "5s", delayed = "2s", concurrentExecution = Scheduled.ConcurrentExecution.SKIP)
  @Transactional
  void remember() {
    for (Roster.Sighting sighting : roster.sightings()) {
      KnownWorker known = entities.find(KnownWorker.class, sighting.heartbeat().worker());
      if (known == null) {
        entities.persist(new KnownWorker(sighting.heartbeat(), sighting.at()));
      } else if (known.lastHeartbeatAt().isBefore(sighting.at())) {
        known.update(sighting.heartbeat(), sighting.at());
      }
    }
    roster.forgetLongGone();
  }

  /** All workers that were ever heard of, by id. */
  @Transactional
  List<WorkerView> all() {
    Map<String, KnownWorker> known =
        entities
            .createQuery("from KnownWorker", KnownWorker.class)
            .getResultStream()
            .collect(Collectors.toMap(KnownWorker::id, Function.identity()));
    Map<String, List<LinkMeasurement>> measured =
        links.all().stream().collect(Collectors.groupingBy(LinkMeasurement::from));
    List<WorkerView> views =
        roster.sightings().stream()
            .map(
                sighting ->
                    view(sighting.heartbeat(), sighting.at(), roster.alive(sighting), measured))
            .collect(Collectors.toCollection(ArrayList::new));
    views.forEach(view -> known.remove(view.worker()));
    for (KnownWorker gone : known.values()) {
      views.add(view(gone.heartbeat(), gone.lastHeartbeatAt(), false, measured));
    }
    views.sort(Comparator.comparing(WorkerView::worker));
    return views;
  }

  private WorkerView view(
      Heartbeat heartbeat, Instant at, boolean alive, Map<String, List<LinkMeasurement>> measured) {
    return WorkerView.of(
        heartbeat,
        at,
        alive,
        profiles.of(heartbeat.compute(), heartbeat.softwareVersion()).isPresent(),
        measured.getOrDefault(heartbeat.worker(), List.of()));
  }

  private long alive(WorkerRank.Role role) {
    return roster.live().stream().filter(heartbeat -> heartbeat.role() == role).count();
  }

  private static boolean complete(Heartbeat heartbeat) {
    return heartbeat.worker() != null
        && heartbeat.instance() != null
        && heartbeat.role() != null
        && heartbeat.host() != null
        && heartbeat.httpUrl() != null
        && heartbeat.compute() != null
        && heartbeat.softwareVersion() != null;
  }
}
