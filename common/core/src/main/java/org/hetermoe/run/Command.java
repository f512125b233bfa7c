package org.hetermoe.run;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.UUID;
import org.hetermoe.group.Placement;

/**
 * What the coordinator tells one worker process; travels over {@link Topics#COMMANDS}. A command is
 * for the process {@code instance} alone, so one that was meant for a process that died does
 * nothing.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = Command.Prepare.class, name = "prepare"),
  @JsonSubTypes.Type(value = Command.Start.class, name = "start"),
  @JsonSubTypes.Type(value = Command.Rebalance.class, name = "rebalance"),
  @JsonSubTypes.Type(value = Command.Stop.class, name = "stop"),
  @JsonSubTypes.Type(value = Command.Abort.class, name = "abort")
})
public sealed interface Command {
  /** The process it is for. */
  UUID instance();

  /** The run it is about. */
  UUID run();

  /** The attempt at the run. */
  int attempt();

  /** Load weights and data, open the channel, report {@link Event.Prepared}. */
  record Prepare(UUID instance, Assignment assignment) implements Command {
    @Override
    public UUID run() {
      return assignment.run();
    }

    @Override
    public int attempt() {
      return assignment.attempt();
    }
  }

  /** All members are prepared: begin. */
  record Start(UUID instance, UUID run, int attempt) implements Command {}

  /**
   * Move experts to where {@code placement} has them, at the next step boundary; attention worker 0
   * passes it on to the group.
   */
  record Rebalance(UUID instance, UUID run, int attempt, Placement placement) implements Command {}

  /** Finish the current step, checkpoint and end; attention worker 0 passes it on to the group. */
  record Stop(UUID instance, UUID run, int attempt) implements Command {}

  /** Leave at once: the run has failed. */
  record Abort(UUID instance, UUID run, int attempt, String reason) implements Command {}
}
