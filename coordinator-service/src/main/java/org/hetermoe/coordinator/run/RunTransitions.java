package org.hetermoe.coordinator.run;

import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jboss.logging.Logger;

/** The way from one state to the next: stored with its time and reason, logged, and counted. */
@ApplicationScoped
class RunTransitions {
  private static final Logger LOG = Logger.getLogger(RunTransitions.class);

  private final RunRepository runs;
  private final MeterRegistry meters;

  RunTransitions(RunRepository runs, MeterRegistry meters) {
    this.runs = runs;
    this.meters = meters;
  }

  /** Changes the state of a run that this transaction has locked. */
  void change(Run run, RunState next) {
    LOG.infof(
        "Run %s (%s): %s -> %s: %s",
        run.id(), run.name(), run.state().label(), next.label(), next.reason());
    runs.change(run, next, now());
    meters.counter("hetermoe.run.transitions", "to", next.label()).increment();
  }

  /** The time, as exact as the database keeps it. */
  static Instant now() {
    return Instant.now().truncatedTo(ChronoUnit.MICROS);
  }
}
