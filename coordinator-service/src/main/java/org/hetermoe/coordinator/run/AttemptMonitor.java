package org.hetermoe.coordinator.run;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.hetermoe.coordinator.config.CoordinatorConfig;
import org.hetermoe.coordinator.placement.AssignedWorker;
import org.hetermoe.coordinator.placement.AssignmentRepository;
import org.hetermoe.coordinator.worker.Roster;
import org.hetermoe.group.RunKey;
import org.hetermoe.run.FailureKind;
import org.hetermoe.run.Heartbeat;

/** Watches attempts for what nobody reports: workers that are lost or take too long to prepare. */
@ApplicationScoped
class AttemptMonitor {
  private final RunRepository runs;
  private final AssignmentRepository assignments;
  private final AttemptEnd end;
  private final GroupCommands commands;
  private final Roster roster;
  private final Duration prepareTimeout;

  AttemptMonitor(
      RunRepository runs,
      AssignmentRepository assignments,
      AttemptEnd end,
      GroupCommands commands,
      Roster roster,
      CoordinatorConfig config) {
    this.runs = runs;
    this.assignments = assignments;
    this.end = end;
    this.commands = commands;
    this.roster = roster;
    this.prepareTimeout = config.prepareTimeout();
  }

  /** Ends an attempt that cannot go on. */
  @Transactional
  void watch(UUID id) {
    Run run = runs.lock(id).orElse(null);
    if (run == null || !(run.state() instanceof RunState.Active active)) {
      return;
    }
    List<AssignedWorker> group = assignments.members(run.id(), run.attempt());
    problem(run, group)
        .ifPresent(
            problem -> {
              end.broken(run, active, FailureKind.WORKER, problem);
              // A process that only seemed lost must leave the run as well.
              commands.abort(run, group, problem);
            });
  }

  private Optional<String> problem(Run run, List<AssignedWorker> group) {
    return group.stream()
        .filter(member -> !member.finished())
        .flatMap(member -> loss(run, member).stream())
        .findFirst()
        .or(() -> slowPreparation(run, group));
  }

  private Optional<String> loss(Run run, AssignedWorker member) {
    return switch (roster.presence(
        member.worker(), member.instance(), new RunKey(run.id(), run.attempt()))) {
      case PRESENT -> Optional.empty();
      case SILENT ->
          Optional.of(
              member.label()
                  + " lost: no heartbeat for "
                  + Heartbeat.LOST_AFTER_MILLIS / 1_000
                  + " s");
      case REPLACED -> Optional.of(member.label() + " lost: another process took its place");
      case ELSEWHERE ->
          // While it prepares, its first heartbeat with the run may be some time off.
          run.state() instanceof RunState.Preparing || recent(run.stateSince())
              ? Optional.empty()
              : Optional.of(member.label() + " lost: it no longer works on the run");
    };
  }

  private Optional<String> slowPreparation(Run run, List<AssignedWorker> group) {
    if (!(run.state() instanceof RunState.Preparing)
        || run.stateSince().plus(prepareTimeout).isAfter(Instant.now())) {
      return Optional.empty();
    }
    return group.stream()
        .filter(member -> !member.prepared())
        .findFirst()
        .map(
            member ->
                member.label() + " was not prepared within " + prepareTimeout.toSeconds() + " s");
  }

  private static boolean recent(Instant since) {
    return since.plusMillis(Heartbeat.LOST_AFTER_MILLIS).isAfter(Instant.now());
  }
}
