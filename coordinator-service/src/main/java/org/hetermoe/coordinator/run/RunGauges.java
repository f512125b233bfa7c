package org.hetermoe.coordinator.run;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.quarkus.scheduler.Scheduled;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.stream.Collectors;

/** Shows how many runs are in each state. */
@ApplicationScoped
class RunGauges {
  private final RunRepository runs;
  private final MultiGauge gauge;

  RunGauges(RunRepository runs, MeterRegistry meters) {
    this.runs = runs;
    this.gauge = MultiGauge.builder("hetermoe.runs").description("Runs by state").register(meters);
  }

  @Scheduled(every = "10s", concurrentExecution = Scheduled.ConcurrentExecution.SKIP)
  void refresh() {
    gauge.register(
        runs.countsByState().stream()
            .map(count -> MultiGauge.Row.of(Tags.of("state", count.state()), count.runs()))
            .collect(Collectors.toList()),
        true);
  }
}
