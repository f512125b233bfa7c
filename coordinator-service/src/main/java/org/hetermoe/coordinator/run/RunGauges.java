package org.hetermoe.coordinator.run;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.quarkus.scheduler.Scheduled;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Map;
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
    Map<String, Long> counts =
        runs.countsByState().stream()
            .collect(
                Collectors.toMap(RunRepository.StateCount::state, RunRepository.StateCount::runs));
    gauge.register(
        RunState.LABELS.stream()
            .<MultiGauge.Row<?>>map(
                state -> MultiGauge.Row.of(Tags.of("state", state), counts.getOrDefault(state, 0L)))
            .toList(),
        true);
  }
}
