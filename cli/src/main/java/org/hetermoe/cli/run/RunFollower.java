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

/**
 * Watches a run until it has ended and tells a report what happens, however long the coordinator
 * does not answer meanwhile.
 */
final class RunFollower {
  private static final Duration POLL = Duration.ofMillis(300);

  /** Metrics travel another way than the end of the run, and may arrive after it. */
  private static final Duration LATE_METRICS = Duration.ofSeconds(10);

  private final CoordinatorClient coordinator;
  private final RunReport report;
  private final Upkeep upkeep;
  private final TreeMap<Integer, StepMetrics> steps = new TreeMap<>();
  private int attempt;
  private boolean unanswered;

  /** Keeps up what the run needs. */
  @FunctionalInterface
  interface Upkeep {
    /** Nothing needs to be kept up. */
    Upkeep NONE = () -> {};

    /** Starts anew what has ended. */
    void restore() throws InterruptedException;
  }

  RunFollower(CoordinatorClient coordinator, RunReport report, Upkeep upkeep) {
    this.coordinator = coordinator;
    this.report = report;
    this.upkeep = upkeep;
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
    try (CoordinatorClient once = coordinator.impatient()) {
      while (!last.ended()) {
        upkeep.restore();
        last = look(once, last);
        if (!last.ended()) {
          Thread.sleep(POLL);
        }
      }
    }
    RunView ended = awaitLateMetrics(last);
    report.end(ended, steps.values().stream().map(StepMetrics::loss).toList());
    return ended;
  }

  /** The run as it is now, or as it was where the coordinator does not say. */
  private RunView look(CoordinatorClient once, RunView last)
      throws ApiException, InterruptedException {
    try {
      RunView run = once.run(last.id());
      if (!run.state().equals(last.state()) || !Objects.equals(run.reason(), last.reason())) {
        report.state(run);
      }
      // Until workers are found anew, there are only the steps of the attempt before, of which
      // those after the checkpoint are about to be done again.
      if (!run.waiting()) {
        fetch(once, run);
      }
      unanswered = false;
      return run;
    } catch (ApiException e) {
      if (e.refused()) {
        throw e;
      }
      if (!unanswered) {
        report.note(e.getMessage() + "; asking again");
      }
      unanswered = true;
      return last;
    }
  }

  private void fetch(CoordinatorClient from, RunView run)
      throws ApiException, InterruptedException {
    if (run.attempt() != attempt) {
      attempt = run.attempt();
      steps.clear();
    }
    List<StepMetrics> page;
    do {
      page = from.steps(run.id(), steps.isEmpty() ? 0 : steps.lastKey() + 1);
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
      fetch(coordinator, run);
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
