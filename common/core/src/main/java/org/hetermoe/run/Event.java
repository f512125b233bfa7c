package org.hetermoe.run;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.UUID;
import org.hetermoe.group.Placement;

/** What a worker reports about a run; travels over {@link Topics#EVENTS}, keyed by run. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = Event.Prepared.class, name = "prepared"),
  @JsonSubTypes.Type(value = Event.Moved.class, name = "moved"),
  @JsonSubTypes.Type(value = Event.Finished.class, name = "finished"),
  @JsonSubTypes.Type(value = Event.Failed.class, name = "failed")
})
public sealed interface Event {
  /** The run. */
  UUID run();

  /** The attempt at it. */
  int attempt();

  /** Stable id of the reporting worker. */
  String worker();

  /** The worker can start. */
  record Prepared(UUID run, int attempt, String worker) implements Event {}

  /**
   * Experts have moved; attention worker 0's process reports it.
   *
   * @param step the step after which they moved
   * @param placement which worker owns which expert from then on
   * @param seconds that the move took
   */
  record Moved(UUID run, int attempt, String worker, int step, Placement placement, double seconds)
      implements Event {}

  /**
   * The worker has done its part, its last checkpoint shard included.
   *
   * @param steps the last step done
   * @param stopped whether it ended early because it was told to stop
   */
  record Finished(UUID run, int attempt, String worker, int steps, boolean stopped)
      implements Event {}

  /**
   * The worker cannot go on.
   *
   * @param kind what it has to do with
   * @param reason in one line, for people
   * @param peer rank of the member that cannot be reached, {@code expert-0}; null for other kinds
   */
  record Failed(UUID run, int attempt, String worker, FailureKind kind, String reason, String peer)
      implements Event {
    public Failed {
      // Workers of an earlier version do not say.
      kind = kind == null ? FailureKind.SOFTWARE : kind;
    }

    /** Where no peer is at fault. */
    public Failed(UUID run, int attempt, String worker, FailureKind kind, String reason) {
      this(run, attempt, worker, kind, reason, null);
    }
  }
}
