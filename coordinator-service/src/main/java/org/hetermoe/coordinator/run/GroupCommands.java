package org.hetermoe.coordinator.run;

import jakarta.enterprise.context.ApplicationScoped;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.hetermoe.coordinator.broker.CommandOutbox;
import org.hetermoe.coordinator.placement.AssignedWorker;
import org.hetermoe.group.Placement;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.Command;

/**
 * What the group of an attempt is told. A process in which several of its ranks live is told once;
 * what concerns the order of steps is told to the leader, attention worker 0, which passes it on.
 * Commands are left in the {@link CommandOutbox}, in the transaction that decides them.
 */
@ApplicationScoped
public class GroupCommands {
  private final CommandOutbox outbox;

  GroupCommands(CommandOutbox outbox) {
    this.outbox = outbox;
  }

  /** All load weights and data. */
  void prepare(Assignment assignment) {
    processes(assignment.members().stream().map(Assignment.Member::instance))
        .forEach(process -> outbox.add(new Command.Prepare(process, assignment)));
  }

  /** All begin to train. */
  void start(Run run, List<AssignedWorker> group) {
    processes(group.stream().map(AssignedWorker::instance))
        .forEach(process -> outbox.add(new Command.Start(process, run.id(), run.attempt())));
  }

  /**
   * The group ends after its current step.
   *
   * @param group in order of role and rank
   */
  void stop(Run run, List<AssignedWorker> group) {
    outbox.add(new Command.Stop(leader(group), run.id(), run.attempt()));
  }

  /**
   * The group moves experts after its current step.
   *
   * @param group in order of role and rank
   */
  public void rebalance(Run run, List<AssignedWorker> group, Placement next) {
    outbox.add(new Command.Rebalance(leader(group), run.id(), run.attempt(), next));
  }

  /**
   * Some leave at once.
   *
   * @param reason why, for their logs
   */
  void abort(Run run, List<AssignedWorker> some, String reason) {
    abort(run.id(), run.attempt(), some, reason);
  }

  /** Some leave at once an attempt at a run that itself need not be read. */
  void abort(UUID run, int attempt, List<AssignedWorker> some, String reason) {
    processes(some.stream().map(AssignedWorker::instance))
        .forEach(process -> outbox.add(new Command.Abort(process, run, attempt, reason)));
  }

  private static UUID leader(List<AssignedWorker> group) {
    return group.getFirst().instance();
  }

  private static List<UUID> processes(Stream<UUID> instances) {
    return instances.distinct().toList();
  }
}
