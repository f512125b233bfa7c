package org.hetermoe.coordinator.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Startup;
import io.smallrye.common.annotation.Blocking;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.hetermoe.coordinator.broker.Messages;
import org.hetermoe.group.RunKey;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.run.Topics;
import org.jboss.logging.Logger;

/** Takes step metrics as they come, a transaction for all that wait of an attempt. */
@Startup
@ApplicationScoped
public class StepIngest {
  private static final Logger LOG = Logger.getLogger(StepIngest.class);

  private final Messages messages;
  private final StepHistory history;
  private final Counter stored;
  private final Counter outdated;
  private final Event<StepsStored> news;

  StepIngest(
      Messages messages, StepHistory history, Event<StepsStored> news, MeterRegistry meters) {
    this.news = news;
    this.messages = messages;
    this.history = history;
    this.stored = meters.counter("hetermoe.steps.received");
    this.outdated = meters.counter("hetermoe.steps.outdated");
  }

  @Incoming("metrics")
  @Blocking
  void batch(ConsumerRecords<String, byte[]> batch) {
    Map<RunKey, TreeMap<Integer, StepMetrics>> attempts = new LinkedHashMap<>();
    for (ConsumerRecord<String, byte[]> message : batch) {
      messages
          .read(
              Topics.METRICS,
              message.value(),
              StepMetrics.class,
              step -> step.run() != null && step.at() != null && step.step() > 0)
          .ifPresent(
              step ->
                  attempts
                      .computeIfAbsent(
                          new RunKey(step.run(), step.attempt()), key -> new TreeMap<>())
                      .put(step.step(), step));
    }
    attempts.forEach(
        (attempt, steps) -> messages.handle(Topics.METRICS, attempt, () -> store(attempt, steps)));
  }

  private void store(RunKey attempt, NavigableMap<Integer, StepMetrics> steps) {
    int count = history.store(attempt.run(), attempt.attempt(), steps.values());
    stored.increment(count);
    if (count == 0) {
      outdated.increment(steps.size());
      LOG.debugf("Ignored %d steps of an attempt that is over: %s", steps.size(), attempt);
    } else {
      news.fire(new StepsStored(attempt, steps.firstKey(), steps.lastKey()));
    }
  }
}
