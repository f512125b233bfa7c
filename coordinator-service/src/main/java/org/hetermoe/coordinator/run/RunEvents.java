package org.hetermoe.coordinator.run;

import io.smallrye.common.annotation.Blocking;
import jakarta.enterprise.context.ApplicationScoped;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.hetermoe.coordinator.broker.Messages;
import org.hetermoe.run.Event;
import org.hetermoe.run.Topics;

/** Takes what workers report about runs. */
@ApplicationScoped
public class RunEvents {
  private final Messages messages;
  private final AttemptProgress progress;
  private final RunScheduler scheduler;

  RunEvents(Messages messages, AttemptProgress progress, RunScheduler scheduler) {
    this.messages = messages;
    this.progress = progress;
    this.scheduler = scheduler;
  }

  @Incoming("events")
  @Blocking
  void event(ConsumerRecord<String, byte[]> message) {
    messages
        .read(
            Topics.EVENTS,
            message.value(),
            Event.class,
            event -> event.run() != null && event.worker() != null)
        .ifPresent(
            event -> {
              messages.handle(Topics.EVENTS, event, () -> handle(event));
              scheduler.wake();
            });
  }

  private void handle(Event event) {
    switch (event) {
      case Event.Prepared prepared -> progress.prepared(prepared);
      case Event.Moved moved -> progress.moved(moved);
      case Event.Finished finished -> progress.finished(finished);
      case Event.Failed failed -> progress.failed(failed);
    }
  }
}
