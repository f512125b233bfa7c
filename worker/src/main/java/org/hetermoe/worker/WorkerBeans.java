package org.hetermoe.worker;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.smallrye.common.annotation.Identifier;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Disposes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Map;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.hetermoe.api.ClientSettings;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.Refusals;
import org.hetermoe.checkpoint.CheckpointStore;
import org.hetermoe.checkpoint.http.HttpCheckpointStore;
import org.hetermoe.compute.Devices;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.run.Json;

/** The parts of a worker process that are plain Java; one of each. */
@ApplicationScoped
class WorkerBeans {
  private static final Duration LINKS_PAUSE = Duration.ofMillis(500);

  @Produces
  @Singleton
  WorkerIdentity identity(
      WorkerSettings settings,
      WorkerRank.Role role,
      @ConfigProperty(name = "quarkus.application.version") String version) {
    return WorkerIdentity.of(settings, role, version);
  }

  @Produces
  @Singleton
  FrameBuffers buffers(WorkerSettings settings) {
    return new FrameBuffers(
        Devices.transferMemory(settings.compute()), FrameBuffers.DEFAULT_IDLE_BYTES);
  }

  void close(@Disposes FrameBuffers buffers) {
    buffers.close();
  }

  @Produces
  @Singleton
  Refusals refusals() {
    return new Refusals();
  }

  @Produces
  @Singleton
  ClientSettings coordinator(WorkerSettings settings) {
    try {
      return ClientSettings.of(settings.coordinatorUrl());
    } catch (InvalidFieldException e) {
      throw e.renamed("hetermoe.worker.coordinator-url");
    }
  }

  @Produces
  @Singleton
  CoordinatorClient client(ClientSettings coordinator) {
    return new CoordinatorClient(coordinator);
  }

  void close(@Disposes CoordinatorClient client) {
    client.close();
  }

  @Produces
  @Singleton
  CheckpointStore checkpoints(CoordinatorClient client) {
    return new HttpCheckpointStore(client);
  }

  @Produces
  @Singleton
  CommandLoop commands(WorkerIdentity identity, RankThreadFactory threads, KafkaReports reports) {
    return new CommandLoop(identity.instance(), identity.worker(), threads, reports);
  }

  @Produces
  @Singleton
  LinkReporter links(
      WorkerIdentity identity,
      RunChannels channels,
      MeasuringTurn turns,
      CommandLoop commands,
      KafkaReports reports) {
    return new LinkReporter(
        identity.worker(),
        peer -> {
          try (MeasuringTurn.Turn _ = turns.take()) {
            return channels.probe(peer);
          }
        },
        () -> commands.current().isPresent(),
        reports::link,
        LINKS_PAUSE);
  }

  /** REST speaks the JSON of all services. */
  @Produces
  @Singleton
  ObjectMapper json() {
    return Json.MAPPER;
  }

  /**
   * This worker's partition of its role's topic, from its end: frames of the past are of no use to
   * a process that has just begun.
   */
  @Produces
  @Singleton
  @Identifier(ActivationTopic.INCOMING)
  Map<String, Object> activationsConsumer(WorkerIdentity identity) {
    return Map.of("topic", identity.activationTopic(), "assign-seek", identity.partition() + ":-1");
  }
}
