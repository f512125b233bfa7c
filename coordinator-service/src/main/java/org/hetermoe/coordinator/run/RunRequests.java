package org.hetermoe.coordinator.run;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;
import java.util.UUID;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.hetermoe.coordinator.placement.AssignmentRepository;
import org.hetermoe.coordinator.problem.ProblemException;
import org.hetermoe.run.RunSpec;
import org.jboss.logging.Logger;

/** What people ask for: that a run begins, ends early, or goes on. Each is one transaction. */
@ApplicationScoped
class RunRequests {
  private static final Logger LOG = Logger.getLogger(RunRequests.class);

  private final RunRepository runs;
  private final AssignmentRepository assignments;
  private final RunTransitions transitions;
  private final GroupCommands commands;
  private final String softwareVersion;

  RunRequests(
      RunRepository runs,
      AssignmentRepository assignments,
      RunTransitions transitions,
      GroupCommands commands,
      @ConfigProperty(name = "quarkus.application.version") String softwareVersion) {
    this.runs = runs;
    this.assignments = assignments;
    this.transitions = transitions;
    this.commands = commands;
    this.softwareVersion = softwareVersion;
  }

  /** Queues a new run. */
  @Transactional
  UUID submit(RunSpec spec) {
    Run run =
        new Run(
            UUID.randomUUID(),
            spec,
            new RunState.Submitted("waiting for its turn"),
            softwareVersion,
            RunTransitions.now());
    runs.add(run);
    return run.id();
  }

  /**
   * Ends a run early; one that is already being stopped stays as it is.
   *
   * @throws ProblemException with status 409 if it has ended
   */
  @Transactional
  void stop(UUID id) {
    Run run = locked(id);
    switch (run.state()) {
      case RunState.Waiting waiting ->
          transitions.change(
              run,
              waiting.stop(
                  run.attempt() == 0
                      ? "stopped before it began"
                      : "stopped while it waited for workers"));
      case RunState.Preparing preparing -> {
        transitions.change(run, preparing.stop("stopped before its first step"));
        commands.abort(run, assignments.members(run.id(), run.attempt()), "the run was stopped");
      }
      case RunState.Running running -> {
        transitions.change(run, running.stop("stops after the current step, as requested"));
        commands.stop(run, assignments.members(run.id(), run.attempt()));
      }
      case RunState.Stopping stopping ->
          LOG.debugf("Run %s is already being stopped: %s", run.id(), stopping.reason());
      case RunState.Ended ended ->
          throw ProblemException.conflict(
              "Run "
                  + run.id()
                  + " has ended: it is "
                  + ended.label()
                  + " ("
                  + ended.reason()
                  + ")");
    }
  }

  /**
   * Queues an ended run again, to go on from its newest complete checkpoint, or anew where it has
   * none.
   *
   * @throws ProblemException with status 409 if it has not ended or has done all steps
   */
  @Transactional
  void resume(UUID id) {
    Run run = locked(id);
    switch (run.state()) {
      case RunState.Resumable ended -> {
        run.forgetRecoveries();
        int from = run.resumeStep();
        transitions.change(
            run,
            ended.resume(
                from == 0
                    ? "to begin anew, because it has no complete checkpoint"
                    : "to go on after step " + from));
      }
      case RunState.Completed done ->
          throw ProblemException.conflict("Run " + run.id() + " is completed: " + done.reason());
      case RunState.Waiting waiting ->
          throw ProblemException.conflict("Run " + run.id() + " is queued: " + waiting.reason());
      case RunState.Active active ->
          throw ProblemException.conflict(
              "Run " + run.id() + " is active: it is " + active.label());
    }
  }

  private Run locked(UUID id) {
    return runs.lock(id).orElseThrow(() -> ProblemException.notFound("There is no run " + id));
  }
}
