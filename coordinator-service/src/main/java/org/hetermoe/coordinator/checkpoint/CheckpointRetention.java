package org.hetermoe.coordinator.checkpoint;

import io.quarkus.runtime.Startup;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.transaction.Transactional;
import java.util.UUID;
import org.hetermoe.coordinator.config.CoordinatorConfig;
import org.hetermoe.coordinator.run.AttemptStarting;
import org.jboss.logging.Logger;

/** Which checkpoints are kept: the newest complete ones, and what the present attempt writes. */
@Startup
@ApplicationScoped
class CheckpointRetention {
  private static final Logger LOG = Logger.getLogger(CheckpointRetention.class);

  private final CheckpointRepository checkpoints;
  private final int kept;

  CheckpointRetention(CheckpointRepository checkpoints, CoordinatorConfig config) {
    this.checkpoints = checkpoints;
    this.kept = config.checkpointsKept();
    if (kept < 1) {
      throw new IllegalArgumentException(
          "hetermoe.coordinator.checkpoints-kept must be at least 1, is " + kept);
    }
  }

  /** Removes what a complete checkpoint at a step has made superfluous. */
  @Transactional
  void onComplete(UUID run, int step) {
    int removed = checkpoints.removeSuperfluous(run, step, kept);
    LOG.debugf("Removed %d superfluous checkpoints of run %s", removed, run);
  }

  /** Removes what earlier attempts left incomplete. */
  void onAttempt(@Observes AttemptStarting attempt) {
    checkpoints.removeIncomplete(attempt.run().id());
  }
}
