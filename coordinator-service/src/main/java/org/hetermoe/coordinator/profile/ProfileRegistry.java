package org.hetermoe.coordinator.profile;

import io.quarkus.runtime.Startup;
import io.smallrye.common.annotation.Blocking;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.persistence.EntityManager;
import jakarta.transaction.Transactional;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.hetermoe.coordinator.broker.Messages;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.EmulatedDevices;
import org.hetermoe.run.Topics;
import org.hetermoe.run.WorkerProfile;

/** Takes profiles of devices as workers report them, and keeps the newest of each device. */
@Startup
@ApplicationScoped
public class ProfileRegistry {
  private final Messages messages;
  private final EntityManager entities;
  private final ProfileStore store;
  private final Event<ProfileStored> stored;

  ProfileRegistry(
      Messages messages, EntityManager entities, ProfileStore store, Event<ProfileStored> stored) {
    this.messages = messages;
    this.entities = entities;
    this.store = store;
    this.stored = stored;
  }

  /** The profile of a device has been stored, which runs may wait for. */
  public record ProfileStored(String device) {}

  @Incoming("profiles")
  @Blocking
  void take(ConsumerRecord<String, byte[]> message) {
    messages
        .read(
            Topics.PROFILES,
            message.value(),
            WorkerProfile.class,
            profile ->
                profile.device() != null
                    && profile.softwareVersion() != null
                    && profile.at() != null
                    && (profile.measured() == null) != (profile.emulated() == null))
        .ifPresent(
            profile -> {
              messages.handle(Topics.PROFILES, profile.device(), () -> store.put(profile));
              stored.fire(new ProfileStored(profile.device()));
            });
  }

  /** How fast a device is, if that is known. */
  public Optional<DeviceProfile> of(String device, String softwareVersion) {
    return Optional.ofNullable(
            entities.find(StoredProfile.class, new StoredProfile.Key(device, softwareVersion)))
        .map(StoredProfile::profile)
        .map(ProfileRegistry::answers);
  }

  /**
   * All profiles, by device.
   *
   * @param device the only one wanted; null for all
   * @param softwareVersion the only one wanted; null for all
   */
  @Transactional
  List<WorkerProfile> all(String device, String softwareVersion) {
    return entities
        .createQuery(
            "from StoredProfile where (:device is null or key.device = :device)"
                + " and (:software is null or key.softwareVersion = :software)"
                + " order by key.device, key.softwareVersion",
            StoredProfile.class)
        .setParameter("device", device)
        .setParameter("software", softwareVersion)
        .getResultStream()
        .map(StoredProfile::profile)
        .toList();
  }

  private static DeviceProfile answers(WorkerProfile profile) {
    WorkerProfile.Emulated emulated = profile.emulated();
    return emulated == null
        ? profile.measured().profile()
        : EmulatedDevices.of(
            "hetermoe.worker.emulate", emulated.device(), emulated.timeScale(), 1, 1);
  }
}
