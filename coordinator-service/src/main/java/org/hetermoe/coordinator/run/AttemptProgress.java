package org.hetermoe.coordinator.run;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.transaction.Transactional;
import java.util.List;
import java.util.Optional;
import org.hetermoe.coordinator.broker.CommandRefused;
import org.hetermoe.coordinator.placement.AssignedWorker;
import org.hetermoe.coordinator.placement.AssignmentRepository;
import org.hetermoe.coordinator.planning.PlanRepository;
import org.hetermoe.run.Event;
import org.hetermoe.run.FailureKind;
import org.jboss.logging.Logger;

/**
 * What becomes of an attempt by what its workers report. Each event may come twice: what does not
 * fit the state or the attempt does nothing.
 */
@ApplicationScoped
class AttemptProgress {
  private static final Logger LOG = Logger.getLogger(AttemptProgress.class);

  private final RunRepository runs;
  private final AssignmentRepository assignments;
  private final PlanRepository plans;
  private final RunTransitions transitions;
  private final GroupCommands commands;
  private final AttemptEnd end;

  AttemptProgress(
      RunRepository runs,
      AssignmentRepository assignments,
      PlanRepository plans,
      RunTransitions transitions,
      GroupCommands commands,
      AttemptEnd end) {
    this.runs = runs;
    this.assignments = assignments;
    this.plans = plans;
    this.transitions = transitions;
    this.commands = commands;
    this.end = end;
  }

  /** A worker can start; once all can, they are told to. */
  @Transactional
  void prepared(Event.Prepared event) {
    Optional<Run> found = current(event);
    if (found.isEmpty() || !(found.get().state() instanceof RunState.Preparing preparing)) {
      return;
    }
    Run run = found.get();
    List<AssignedWorker> group = group(run);
    group.stream()
        .filter(member -> member.worker().equals(event.worker()))
        .forEach(member -> member.notePrepared(RunTransitions.now()));
    if (group.stream().allMatch(AssignedWorker::prepared)) {
      transitions.change(run, preparing.start("all workers are prepared"));
      commands.start(run, group);
    }
  }

  /** Experts have moved. */
  @Transactional
  void moved(Event.Moved event) {
    current(event)
        .ifPresent(
            run -> {
              assignments.move(run.id(), run.attempt(), event.placement());
              plans.followed(
                  run.id(), run.attempt(), event.placement(), event.step(), event.seconds());
            });
  }

  /** A worker has done its part; once all have, the run has ended. */
  @Transactional
  void finished(Event.Finished event) {
    Optional<Run> found = current(event);
    if (found.isEmpty() || !(found.get().state() instanceof RunState.Active active)) {
      return;
    }
    Run run = found.get();
    List<AssignedWorker> group = group(run);
    group.stream()
        .filter(member -> member.worker().equals(event.worker()))
        .forEach(member -> member.noteFinished(event, RunTransitions.now()));
    if (group.stream().allMatch(AssignedWorker::finished)) {
      end(run, active, group);
    }
  }

  private void end(Run run, RunState.Active active, List<AssignedWorker> group) {
    boolean early = group.stream().anyMatch(AssignedWorker::finishedEarly);
    int steps = group.stream().mapToInt(AssignedWorker::finishedSteps).max().orElseThrow();
    String all = "all " + run.steps() + " steps are done";
    String some = "ended after step " + steps + " of " + run.steps();
    switch (active) {
      case RunState.Running running ->
          transitions.change(run, early ? running.end(some) : running.complete(all));
      case RunState.Stopping stopping ->
          transitions.change(
              run, early ? stopping.end(some + ", as requested") : stopping.complete(all));
      case RunState.Preparing preparing -> {
        end.broken(
            run,
            preparing,
            FailureKind.SOFTWARE,
            "its workers ended before they were told to start");
        commands.abort(run, group, "the run has failed");
      }
    }
  }

  /** A worker cannot go on, nor can the attempt. */
  @Transactional
  void failed(Event.Failed event) {
    Optional<Run> found = current(event);
    if (found.isEmpty() || !(found.get().state() instanceof RunState.Active active)) {
      return;
    }
    Run run = found.get();
    List<AssignedWorker> group = group(run);
    String who =
        group.stream()
            .filter(member -> member.worker().equals(event.worker()))
            .findFirst()
            .map(AssignedWorker::label)
            .orElse("worker " + event.worker());
    String reason = who + " failed: " + event.reason();
    end.broken(run, active, event.kind(), reason);
    commands.abort(
        run,
        group.stream().filter(member -> !member.worker().equals(event.worker())).toList(),
        reason);
  }

  /** A command will never reach its worker, so the run has failed. */
  void onRefused(@Observes CommandRefused refused) {
    runs.lock(refused.run())
        .filter(run -> run.attempt() == refused.attempt())
        .ifPresent(
            run -> {
              if (run.state() instanceof RunState.Active active) {
                transitions.change(run, active.fail(refused.reason()));
                commands.abort(run, group(run), refused.reason());
              }
            });
  }

  /** The run of an event, locked, if the event is of its present attempt. */
  private Optional<Run> current(Event event) {
    Optional<Run> run = runs.lock(event.run()).filter(r -> r.attempt() == event.attempt());
    if (run.isEmpty()) {
      LOG.infof("Ignored an event of an attempt that is over or unknown: %s", event);
    }
    return run;
  }

  private List<AssignedWorker> group(Run run) {
    return assignments.members(run.id(), run.attempt());
  }
}
