package org.hetermoe.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.hetermoe.run.Event;

/** Keeps what a session reports. */
final class RecordedReports implements RunReports {
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();

  @Override
  public CompletionStage<Void> event(Event event) {
    events.add(event);
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public void changed() {}

  Event next() throws InterruptedException {
    Event event = events.poll(5, TimeUnit.SECONDS);
    assertThat(event).as("an event within 5 s").isNotNull();
    return event;
  }

  void assertNoMore() {
    assertThat(events).isEmpty();
  }
}
