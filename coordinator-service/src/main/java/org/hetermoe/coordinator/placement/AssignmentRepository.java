package org.hetermoe.coordinator.placement;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.hetermoe.group.Placement;
import org.hetermoe.run.Assignment;

/** Stored assignments. */
@ApplicationScoped
public class AssignmentRepository {
  private final EntityManager entities;

  AssignmentRepository(EntityManager entities) {
    this.entities = entities;
  }

  /** Stores an assignment with its members. */
  public void add(Assignment assignment, Instant at) {
    UUID run = assignment.run();
    int attempt = assignment.attempt();
    entities.persist(
        new RunAssignment(
            new RunAssignment.Key(run, attempt),
            at,
            assignment.resumeFromStep(),
            assignment.placement()));
    for (Assignment.Member member : assignment.members()) {
      entities.persist(new AssignedWorker(run, attempt, member));
    }
  }

  /** Notes that experts have moved. */
  public void move(UUID run, int attempt, Placement placement) {
    entities.find(RunAssignment.class, new RunAssignment.Key(run, attempt)).move(placement);
  }

  /**
   * The last step of an attempt that later attempts kept, because they went on after it or a later
   * one; {@link Integer#MAX_VALUE} where there is no later attempt.
   */
  public int lastKept(UUID run, int attempt) {
    Integer least =
        entities
            .createQuery(
                "select min(resumeFromStep) from RunAssignment"
                    + " where key.run = :run and key.attempt > :attempt",
                Integer.class)
            .setParameter("run", run)
            .setParameter("attempt", attempt)
            .getSingleResult();
    return least == null ? Integer.MAX_VALUE : least;
  }

  /** Members of an attempt, in order of role and rank; none where there was no such attempt. */
  public List<AssignedWorker> members(UUID run, int attempt) {
    return entities
        .createQuery(
            "from AssignedWorker where key.run = :run and key.attempt = :attempt"
                + " order by key.role, key.rank",
            AssignedWorker.class)
        .setParameter("run", run)
        .setParameter("attempt", attempt)
        .getResultList();
  }

  /** The placement of an attempt. */
  public Optional<Placement> placement(UUID run, int attempt) {
    return Optional.ofNullable(
            entities.find(RunAssignment.class, new RunAssignment.Key(run, attempt)))
        .map(RunAssignment::placement);
  }
}
