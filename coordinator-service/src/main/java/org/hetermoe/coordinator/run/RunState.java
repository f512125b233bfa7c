package org.hetermoe.coordinator.run;

import java.util.List;
import java.util.Locale;

/**
 * The life of a run. Each state offers only the transitions that are legal from it, so an illegal
 * one does not compile; what comes from outside is matched against the state first.
 *
 * <pre>
 * Submitted -> Preparing -> Running -> Completed
 *     |            |           |  \--> Stopping -> Stopped (or Completed, if the end came first)
 *     v            v           v           |
 *  Stopped      Stopped     Failed         v
 *  Completed    Failed                  Stopped, Failed
 *  Failed
 *
 * Preparing, Running -> Recovering -> Preparing (another attempt), Completed, Stopped, Failed
 * Stopped, Failed -> Submitted (resume)
 * </pre>
 */
sealed interface RunState {
  /** The names of all states. */
  List<String> LABELS =
      List.of(
          "submitted",
          "preparing",
          "running",
          "recovering",
          "stopping",
          "completed",
          "stopped",
          "failed");

  /** Why the run is in this state, for people. */
  String reason();

  /** The name of the state in REST and in the database. */
  default String label() {
    return getClass().getSimpleName().toLowerCase(Locale.ROOT);
  }

  /** Restores a state from what was stored. */
  static RunState of(String label, String reason) {
    return switch (label) {
      case "submitted" -> new Submitted(reason);
      case "preparing" -> new Preparing(reason);
      case "running" -> new Running(reason);
      case "recovering" -> new Recovering(reason);
      case "stopping" -> new Stopping(reason);
      case "completed" -> new Completed(reason);
      case "stopped" -> new Stopped(reason);
      case "failed" -> new Failed(reason);
      default -> throw new IllegalArgumentException("no run state is called '" + label + "'");
    };
  }

  /** A state in which the run waits for workers. */
  sealed interface Waiting extends RunState {
    /** Still waits, for what {@code reason} says. */
    Waiting waitFor(String reason);

    /** Workers were found and told to prepare. */
    default Preparing prepare(String reason) {
      return new Preparing(reason);
    }

    /** Nothing is left to do: its newest checkpoint is of its last step. */
    default Completed complete(String reason) {
      return new Completed(reason);
    }

    /** It cannot be planned. */
    default Failed fail(String reason) {
      return new Failed(reason);
    }

    /** Leaves the queue. */
    default Stopped stop(String reason) {
      return new Stopped(reason);
    }
  }

  /** A state in which workers belong to the run. */
  sealed interface Active extends RunState {
    /** The run cannot go on. */
    default Failed fail(String reason) {
      return new Failed(reason);
    }
  }

  /** An active state from which another attempt may follow by itself. */
  sealed interface Recoverable extends Active {
    /** The attempt is over; another goes on from the newest checkpoint. */
    default Recovering recover(String reason) {
      return new Recovering(reason);
    }
  }

  /** A state in which nothing more happens unless somebody asks. */
  sealed interface Ended extends RunState {}

  /** An ended state from which the run can go on. */
  sealed interface Resumable extends Ended {
    /** Queues the run again. */
    default Submitted resume(String reason) {
      return new Submitted(reason);
    }
  }

  /** Waits for workers. */
  record Submitted(String reason) implements Waiting {
    @Override
    public Submitted waitFor(String next) {
      return new Submitted(next);
    }
  }

  /** Waits for workers after an attempt that could not go on. */
  record Recovering(String reason) implements Waiting {
    @Override
    public Recovering waitFor(String next) {
      return new Recovering(next);
    }
  }

  /** Its workers load weights and data. */
  record Preparing(String reason) implements Recoverable {
    /** All workers are prepared and told to start. */
    Running start(String reason) {
      return new Running(reason);
    }

    /** Ends before the first step. */
    Stopped stop(String reason) {
      return new Stopped(reason);
    }
  }

  /** It trains. */
  record Running(String reason) implements Recoverable {
    /** The group was told to end after the current step. */
    Stopping stop(String reason) {
      return new Stopping(reason);
    }

    /** All workers have done all steps. */
    Completed complete(String reason) {
      return new Completed(reason);
    }

    /** All workers have ended early of themselves. */
    Stopped end(String reason) {
      return new Stopped(reason);
    }
  }

  /** It ends after the current step. */
  record Stopping(String reason) implements Active {
    /** All workers have ended early. */
    Stopped end(String reason) {
      return new Stopped(reason);
    }

    /** The last step was done before the order to stop arrived. */
    Completed complete(String reason) {
      return new Completed(reason);
    }
  }

  /** All steps are done. */
  record Completed(String reason) implements Ended {}

  /** It was ended early on request. */
  record Stopped(String reason) implements Resumable {}

  /** It could not go on. */
  record Failed(String reason) implements Resumable {}
}
