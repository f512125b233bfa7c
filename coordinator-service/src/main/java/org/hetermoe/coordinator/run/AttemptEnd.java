package org.hetermoe.coordinator.run;

import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Optional;
import org.hetermoe.coordinator.config.CoordinatorConfig;
import org.hetermoe.run.FailureKind;

/** What becomes of a run whose attempt cannot go on: it recovers, stops, or has failed. */
@ApplicationScoped
class AttemptEnd {
  private final RunTransitions transitions;
  private final RecoveryPolicy policy;

  AttemptEnd(RunTransitions transitions, CoordinatorConfig config) {
    this.transitions = transitions;
    CoordinatorConfig.Recovery recovery = config.recovery();
    this.policy =
        new RecoveryPolicy(recovery.attempts(), recovery.firstDelay(), recovery.longestDelay());
  }

  /**
   * Changes the state of a run that this transaction has locked.
   *
   * @param kind of the cause
   * @param reason in one line, for people
   */
  void broken(Run run, RunState.Active active, FailureKind kind, String reason) {
    Optional<Duration> delay = policy.delay(kind, run.recoveries());
    switch (active) {
      case RunState.Recoverable recoverable when delay.isPresent() -> {
        run.recoverAt(RunTransitions.now().plus(delay.get()));
        transitions.change(run, recoverable.recover(reason + "; " + next(run)));
      }
      case RunState.Stopping stopping when kind.infrastructure() ->
          transitions.change(
              run, stopping.end("ended as requested, but not after a step: " + reason));
      case RunState.Active lost ->
          transitions.change(run, lost.fail(reason + givenUp(kind, run.recoveries())));
    }
  }

  private static String next(Run run) {
    int from = run.resumeStep();
    return from == 0 ? "begins anew" : "goes on after step " + from;
  }

  private static String givenUp(FailureKind kind, int recoveries) {
    return kind.infrastructure() && recoveries > 0
        ? "; given up after " + recoveries + " recoveries without a new checkpoint"
        : "";
  }
}
