package org.hetermoe.worker;

import java.util.Locale;
import java.util.Optional;
import org.hetermoe.run.Command;

/**
 * What a worker process is doing.
 *
 * <pre>
 *   Idle --prepare--> Preparing --all ready--> Prepared --start--> Training --all done--> Idle
 *                         |                       |                   |
 *                         +---- abort, failure, newer attempt, shutdown +--> Ending --threads over--> Idle
 * </pre>
 */
sealed interface SessionState {
  /** The state's name, for people. */
  default String label() {
    return getClass().getSimpleName().toLowerCase(Locale.ROOT);
  }

  /** The members that live in this process; empty while idle. */
  Optional<LocalGroup> members();

  /** No run. */
  record Idle() implements SessionState {
    @Override
    public Optional<LocalGroup> members() {
      return Optional.empty();
    }
  }

  /** Takes part in a run. */
  sealed interface Active extends SessionState {
    /** The members that live in this process. */
    LocalGroup group();

    @Override
    default Optional<LocalGroup> members() {
      return Optional.of(group());
    }

    /** Leaves the run; {@code next} is what to prepare after that. */
    default Ending end(Optional<Command.Prepare> next) {
      return new Ending(group(), next);
    }
  }

  /** Members load weights and data. */
  record Preparing(LocalGroup group) implements Active {
    Prepared prepared() {
      return new Prepared(group);
    }
  }

  /** All members wait for the start. */
  record Prepared(LocalGroup group) implements Active {
    Training started() {
      return new Training(group);
    }
  }

  /** Members train. */
  record Training(LocalGroup group) implements Active {}

  /** Members have been told to leave; some may not have done so yet. */
  record Ending(LocalGroup group, Optional<Command.Prepare> next) implements SessionState {
    @Override
    public Optional<LocalGroup> members() {
      return Optional.of(group);
    }

    Ending followedBy(Command.Prepare prepare) {
      return new Ending(group, Optional.of(prepare));
    }

    Ending followedByNothing() {
      return new Ending(group, Optional.empty());
    }
  }
}
