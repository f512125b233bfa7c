package org.hetermoe.coordinator.run;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import jakarta.persistence.LockModeType;
import jakarta.persistence.TypedQuery;
import jakarta.transaction.Transactional;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import org.hetermoe.api.RunView;
import org.hetermoe.coordinator.problem.ProblemException;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.run.RunSpec;

/** Stored runs. All methods want a transaction, but for those that only read. */
@ApplicationScoped
public class RunRepository {
  private static final Pattern PREFIX = Pattern.compile("[0-9a-f]{4,32}");
  private static final int HEX_DIGITS = 32;

  private final EntityManager entities;

  RunRepository(EntityManager entities) {
    this.entities = entities;
  }

  /**
   * The run that an id or the beginning of one names.
   *
   * @param text a UUID, or at least 4 of its leading hexadecimal digits
   * @throws InvalidFieldException if it is neither, or begins several ids
   * @throws ProblemException with status 404 if there is none
   */
  public UUID resolve(String text) {
    String digits = text.toLowerCase(Locale.ROOT).replace("-", "");
    if (!PREFIX.matcher(digits).matches()) {
      throw new InvalidFieldException(
          "id", "must be the id of a run or at least 4 of its first hexadecimal digits");
    }
    List<UUID> found =
        entities
            .createQuery(
                "select id from Run where id between :low and :high order by id", UUID.class)
            .setParameter("low", padded(digits, '0'))
            .setParameter("high", padded(digits, 'f'))
            .setMaxResults(2)
            .getResultList();
    if (found.isEmpty()) {
      throw ProblemException.notFound("There is no run " + text);
    }
    if (found.size() > 1) {
      throw new InvalidFieldException("id", "must be longer: several runs begin with " + text);
    }
    return found.getFirst();
  }

  /** The run, if there is one. */
  public Optional<Run> find(UUID id) {
    return Optional.ofNullable(entities.find(Run.class, id));
  }

  /** The run, whose id was resolved before. */
  public Run get(UUID id) {
    return find(id).orElseThrow(() -> ProblemException.notFound("There is no run " + id));
  }

  /** The run file of a run, resolved, as its present attempt has it. */
  @Transactional
  public RunSpec specOf(UUID id) {
    return get(id).attemptSpec();
  }

  /** The run, locked against other changes until the transaction ends. */
  public Optional<Run> lock(UUID id) {
    return Optional.ofNullable(entities.find(Run.class, id, LockModeType.PESSIMISTIC_WRITE));
  }

  /**
   * The run, locked even against new checkpoint chunks, which only share a key lock with other
   * changes.
   */
  Optional<Run> lockWithCheckpoints(UUID id) {
    entities
        .createNativeQuery("select id from run where id = :id for update", UUID.class)
        .setParameter("id", id)
        .getResultList();
    return lock(id);
  }

  /** Keeps another attempt from beginning until the transaction ends; holds up nobody else. */
  public void holdAttempt(UUID id) {
    entities
        .createNativeQuery("select id from run where id = :id for key share", UUID.class)
        .setParameter("id", id)
        .getResultList();
  }

  void add(Run run) {
    entities.persist(run);
    entities.persist(new RunStateChange(run.id(), run.state(), run.createdAt()));
  }

  /** Changes the state of a locked run and notes it in its history. */
  void change(Run run, RunState next, Instant at) {
    run.become(next, at);
    entities.persist(new RunStateChange(run.id(), next, at));
  }

  List<RunView.StateChange> history(UUID id) {
    return entities
        .createQuery("from RunStateChange where run = :run order by id", RunStateChange.class)
        .setParameter("run", id)
        .getResultStream()
        .map(RunStateChange::view)
        .toList();
  }

  /** Runs to which workers belong. */
  @Transactional
  List<UUID> active() {
    return entities
        .createQuery(
            "select id from Run where state in ('preparing', 'running', 'stopping')"
                + " order by queuedAt, id",
            UUID.class)
        .getResultList();
  }

  /** Workers that belong to runs that have not ended. */
  Set<String> busyWorkers() {
    return new HashSet<>(
        entities
            .createQuery(
                """
                select distinct m.worker from AssignedWorker m
                join Run r on r.id = m.key.run and r.attempt = m.key.attempt
                where r.state in ('preparing', 'running', 'stopping')
                """,
                String.class)
            .getResultList());
  }

  /** The first runs that wait for workers, in the order in which they came. */
  @Transactional
  List<UUID> queue(int most) {
    return entities
        .createQuery(
            "select id from Run where state in ('submitted', 'recovering') order by queuedAt, id",
            UUID.class)
        .setMaxResults(most)
        .getResultList();
  }

  /**
   * A page of runs without their specification and history, newest first.
   *
   * @param before the run after which the page begins; null for the first page
   * @param state the only state wanted; null for all
   */
  List<RunView> page(int limit, UUID before, String state) {
    Run last = before == null ? null : get(before);
    TypedQuery<RunView> query =
        entities.createQuery(
            """
            select new org.hetermoe.api.RunView(
              id, name, state, reason, createdAt, updatedAt, softwareVersion, attempt, steps,
              stepsDone, lastLoss, evaluationLoss, checkpointStep, null, null, null, null)
            from Run
            where 1 = 1
            """
                + (state == null ? "" : " and state = :state")
                + (last == null ? "" : " and (createdAt, id) < (:createdAt, :id)")
                + " order by createdAt desc, id desc",
            RunView.class);
    if (state != null) {
      query.setParameter("state", state);
    }
    if (last != null) {
      query.setParameter("createdAt", last.createdAt()).setParameter("id", last.id());
    }
    return query.setMaxResults(limit).getResultList();
  }

  /** Number of runs in each state that any run is in. */
  @Transactional
  List<StateCount> countsByState() {
    return entities
        .createQuery(
            "select new org.hetermoe.coordinator.run.RunRepository$StateCount(state, count(*))"
                + " from Run group by state",
            StateCount.class)
        .getResultList();
  }

  /** How many runs are in a state. */
  record StateCount(String state, long runs) {}

  private static UUID padded(String digits, char fill) {
    String all = digits + String.valueOf(fill).repeat(HEX_DIGITS - digits.length());
    return new UUID(
        Long.parseUnsignedLong(all, 0, 16, 16), Long.parseUnsignedLong(all, 16, HEX_DIGITS, 16));
  }
}
