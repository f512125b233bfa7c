package org.hetermoe.worker;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.smallrye.reactive.messaging.kafka.api.OutgoingKafkaRecordMetadata;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Emitter;
import org.eclipse.microprofile.reactive.messaging.Message;
import org.eclipse.microprofile.reactive.messaging.Metadata;
import org.eclipse.microprofile.reactive.messaging.OnOverflow;
import org.hetermoe.run.Event;
import org.hetermoe.run.Heartbeat;
import org.hetermoe.run.Json;
import org.hetermoe.run.LinkMeasurement;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.run.WorkerProfile;
import org.jboss.logging.Logger;

/** Sends what the coordinator is to know by way of the broker. */
@ApplicationScoped
class KafkaReports implements RunReports {
  private static final Logger LOG = Logger.getLogger(KafkaReports.class);

  /** Waiting messages: hours of events, and the steps of minutes without a broker. */
  private static final int BUFFER = 65_536;

  private final Emitter<byte[]> events;
  private final Emitter<byte[]> metrics;
  private final Emitter<byte[]> heartbeats;
  private final Emitter<byte[]> profiles;
  private final Emitter<byte[]> links;
  private final AtomicBoolean heartbeatsLost = new AtomicBoolean();
  private volatile Runnable onChange = () -> {};

  KafkaReports(
      @Channel("events") @OnOverflow(value = OnOverflow.Strategy.BUFFER, bufferSize = BUFFER)
          Emitter<byte[]> events,
      @Channel("metrics") @OnOverflow(value = OnOverflow.Strategy.BUFFER, bufferSize = BUFFER)
          Emitter<byte[]> metrics,
      @Channel("heartbeats") @OnOverflow(OnOverflow.Strategy.DROP) Emitter<byte[]> heartbeats,
      @Channel("profiles") Emitter<byte[]> profiles,
      @Channel("links") Emitter<byte[]> links) {
    this.events = events;
    this.metrics = metrics;
    this.heartbeats = heartbeats;
    this.profiles = profiles;
    this.links = links;
  }

  /** Whom to tell that a heartbeat is due. */
  void onChange(Runnable action) {
    onChange = action;
  }

  @Override
  public void changed() {
    onChange.run();
  }

  @Override
  public CompletionStage<Void> event(Event event) {
    LOG.infof("%s", event);
    return send(events, event.run().toString(), event)
        .whenComplete(
            (_, failure) -> {
              if (failure != null) {
                LOG.errorf(failure, "event did not reach the broker: %s", event);
              }
            });
  }

  /** Reports a step. Never blocks. */
  void metrics(StepMetrics step) {
    CompletionStage<Void> _ =
        send(metrics, step.run().toString(), step)
            .whenComplete(
                (_, failure) -> {
                  if (failure != null) {
                    LOG.warnf(
                        "metrics of step %d of run %s did not reach the broker: %s",
                        step.step(), step.run(), FailureMessage.of(failure));
                  }
                });
  }

  /** Sends a profile; the stage ends when the broker has it, or has not taken it. */
  CompletionStage<Void> profile(WorkerProfile profile) {
    return send(profiles, profile.device(), profile);
  }

  /** Sends a measured link; the stage ends when the broker has it, or has not taken it. */
  CompletionStage<Void> link(LinkMeasurement link) {
    return send(links, link.from(), link);
  }

  void heartbeat(Heartbeat heartbeat) {
    CompletionStage<Void> _ =
        send(heartbeats, heartbeat.worker(), heartbeat)
            .whenComplete(
                (_, failure) -> {
                  boolean lost = failure != null;
                  if (heartbeatsLost.compareAndSet(!lost, lost)) {
                    if (lost) {
                      LOG.warnf(
                          "heartbeats do not reach the broker: %s", FailureMessage.of(failure));
                    } else {
                      LOG.info("heartbeats reach the broker again");
                    }
                  }
                });
  }

  private static CompletionStage<Void> send(Emitter<byte[]> emitter, String key, Object content) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    try {
      emitter.send(
          Message.of(
              Json.MAPPER.writeValueAsBytes(content),
              Metadata.of(OutgoingKafkaRecordMetadata.<String>builder().withKey(key).build()),
              () -> {
                done.complete(null);
                return CompletableFuture.completedFuture(null);
              },
              failure -> {
                done.completeExceptionally(failure);
                return CompletableFuture.completedFuture(null);
              }));
    } catch (JsonProcessingException | IllegalStateException e) {
      // IllegalStateException: the emitter's buffer is full or its channel is closed.
      done.completeExceptionally(e);
    }
    return done;
  }
}
