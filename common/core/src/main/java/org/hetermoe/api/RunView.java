package org.hetermoe.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.hetermoe.group.Placement;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.RunSpec;

/**
 * A run as REST shows it.
 *
 * @param id the run
 * @param name what people call it
 * @param state {@code submitted, preparing, running, recovering, stopping, completed, stopped,
 *     failed}
 * @param reason why it is in that state, for people
 * @param softwareVersion what it was submitted to
 * @param attempt attempts so far; 0 before the first
 * @param stepsDone last step reported
 * @param lastLoss loss of that step; null before the first
 * @param evaluationLoss last evaluation's; null before the first
 * @param checkpointStep step of the newest complete checkpoint; null where there is none
 * @param spec the run file, resolved; null in lists
 * @param placement in use or last used; null before the first and in lists
 * @param workers that take part or last did; empty in lists
 * @param history state changes, oldest first; empty in lists
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record RunView(
    UUID id,
    String name,
    String state,
    String reason,
    Instant createdAt,
    Instant updatedAt,
    String softwareVersion,
    int attempt,
    int steps,
    int stepsDone,
    Double lastLoss,
    Double evaluationLoss,
    Integer checkpointStep,
    RunSpec spec,
    Placement placement,
    List<Assignment.Member> workers,
    List<StateChange> history) {
  public RunView {
    workers = workers == null ? List.of() : List.copyOf(workers);
    history = history == null ? List.of() : List.copyOf(history);
  }

  /** When a run came into a state, and why. */
  public record StateChange(String state, Instant at, String reason) {}

  /** Whether it waits for workers: then its steps are those of the attempt before. */
  public boolean waiting() {
    return List.of("submitted", "recovering").contains(state);
  }

  /** States in which nothing more happens unless somebody asks. */
  public boolean ended() {
    return List.of("completed", "stopped", "failed").contains(state);
  }
}
