package org.hetermoe.cli.run;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import java.util.UUID;
import org.hetermoe.api.ApiException;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.RunView;
import org.hetermoe.cli.report.RunReport;
import org.hetermoe.run.StepMetrics;

/** Watches a run until it has ended and tells a report what happens. */
final class RunFollower {
  private static final Duration POLL = Duration.ofMillis(300);

  /** Metrics travel another way than the end of the run, and may arrive after it. */
  private static final Duration LATE_METRICS = Duration.ofSeconds(10);

  private final CoordinatorClient coordinator;
  private final RunReport report;
  private final TreeMap<Integer, StepMetrics> steps = new TreeMap<>();
  private int attempt;

  RunFollower(CoordinatorClient coordinator, RunReport report) {
    this.coordinator = coordinator;
    this.report = report;
  }

  /**
   * Follows to the end.
   *
   * @param submitted the run as it was when it was submitted or resumed
   * @return the run as it ended
   */
  RunView follow(RunView submitted) throws ApiException, InterruptedException {
    report.begin(submitted);
    RunView last = submitted;
    while (true) {
      RunView run = coordinator.run(submitted.id());
      if (!run.state().equals(last.state()) || !Objects.equals(run.reason(), last.reason())) {
        report.state(run);
      }
      last = run;
      // Until workers are found anew, there are only the steps of the attempt before, of which
      // those after the checkpoint are about to be done again.
      if (!run.state().equals("submitted")) {
        fetch(run);
      }
      if (run.ended()) {
        break;
      }
      Thread.sleep(POLL);
    }
    RunView ended = awaitLateMetrics(last);
    report.end(ended, steps.values().stream().map(StepMetrics::loss).toList());
    return ended;
  }

  private void fetch(RunView run) throws ApiException, InterruptedException {
    if (run.attempt() != attempt) {
      attempt = run.attempt();
      steps.clear();
    }
    List<StepMetrics> page;
    do {
      page = coordinator.steps(run.id(), steps.isEmpty() ? 0 : steps.lastKey() + 1);
      for (StepMetrics step : page) {
        steps.put(step.step(), step);
        if (step.attempt() == attempt) {
          report.step(run, step);
        }
      }
    } while (!page.isEmpty());
  }

  private RunView awaitLateMetrics(RunView ended) throws ApiException, InterruptedException {
    UUID id = ended.id();
    RunView run = ended;
    long deadline = System.nanoTime() + LATE_METRICS.toNanos();
    while (lastStep() < expectedSteps(run) && System.nanoTime() < deadline) {
      Thread.sleep(POLL);
      run = coordinator.run(id);
      fetch(run);
    }
    return coordinator.run(id);
  }

  private int lastStep() {
    return steps.isEmpty() ? 0 : steps.lastKey();
  }

  private static int expectedSteps(RunView run) {
    return run.state().equals("completed") ? run.steps() : run.stepsDone();
  }
}
