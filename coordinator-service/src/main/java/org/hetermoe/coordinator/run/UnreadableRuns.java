package org.hetermoe.coordinator.run;

import com.fasterxml.jackson.core.JacksonException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import jakarta.transaction.Transactional;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.hetermoe.coordinator.placement.AssignmentRepository;
import org.hetermoe.model.InvalidFieldException;
import org.jboss.logging.Logger;

/**
 * Runs whose stored specification this version cannot read: another one wrote it, with fields or
 * sizes that this one does not take. They fail with that reason, without being read.
 */
@ApplicationScoped
class UnreadableRuns {
  private static final Logger LOG = Logger.getLogger(UnreadableRuns.class);

  private final EntityManager entities;
  private final AssignmentRepository assignments;
  private final GroupCommands commands;

  UnreadableRuns(EntityManager entities, AssignmentRepository assignments, GroupCommands commands) {
    this.entities = entities;
    this.assignments = assignments;
    this.commands = commands;
  }

  /** Why a run cannot be read, where that is what a problem says. */
  static Optional<String> reason(Throwable problem) {
    Optional<String> reason = Optional.empty();
    for (Throwable cause = problem; cause != null; cause = cause.getCause()) {
      switch (cause) {
        case InvalidFieldException field -> {
          return Optional.of(field.getMessage());
        }
        case JacksonException malformed -> reason = Optional.of(malformed.getOriginalMessage());
        default -> {}
      }
    }
    return reason;
  }

  /** Fails a run that has not ended, and has its workers leave it. */
  @Transactional
  void fail(UUID id, String problem) {
    String reason = "the stored run cannot be read by this version: " + problem;
    RunState.Failed failed = new RunState.Failed(reason);
    List<?> attempts =
        entities
            .createNativeQuery(
                """
                update run set state = :state, reason = :reason, state_since = :at, updated_at = :at
                where id = :id and state not in ('completed', 'stopped', 'failed')
                returning attempt
                """)
            .setParameter("state", failed.label())
            .setParameter("reason", reason)
            .setParameter("at", RunTransitions.now())
            .setParameter("id", id)
            .getResultList();
    if (attempts.isEmpty()) {
      return;
    }
    LOG.errorf("Run %s has failed: %s", id, reason);
    entities.persist(new RunStateChange(id, failed, RunTransitions.now()));
    int attempt = ((Number) attempts.getFirst()).intValue();
    commands.abort(id, attempt, assignments.members(id, attempt), reason);
  }
}
