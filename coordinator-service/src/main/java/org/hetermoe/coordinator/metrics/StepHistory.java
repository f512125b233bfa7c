package org.hetermoe.coordinator.metrics;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.persistence.EntityManager;
import jakarta.transaction.Transactional;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.hetermoe.coordinator.placement.AssignmentRepository;
import org.hetermoe.coordinator.planning.LoadHistory;
import org.hetermoe.coordinator.planning.StepWindow;
import org.hetermoe.coordinator.run.AttemptStarting;
import org.hetermoe.coordinator.run.Run;
import org.hetermoe.coordinator.run.RunRepository;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.run.StepMetrics;
import org.hibernate.StatelessSession;

/** Stored step metrics. */
@ApplicationScoped
public class StepHistory implements LoadHistory {
  /** Rows of experts that are read at once, some 20 MB of them. */
  private static final int MOST_NUMBERS = 500_000;

  private final EntityManager entities;
  private final StatelessSession rows;
  private final RunRepository runs;
  private final AssignmentRepository assignments;

  StepHistory(
      EntityManager entities,
      StatelessSession rows,
      RunRepository runs,
      AssignmentRepository assignments) {
    this.entities = entities;
    this.runs = runs;
    this.assignments = assignments;
    this.rows = rows;
  }

  /**
   * Stores steps of one attempt at one run, each once however often it comes. Of an attempt that is
   * over, those count that the next ones did not do again. Of a step that two attempts did, the
   * later attempt's stays.
   *
   * @param steps ascending, each once
   * @return how many of them count
   */
  @Transactional
  int store(UUID run, int attempt, Collection<StepMetrics> steps) {
    // The lock keeps another attempt from beginning in between, and others from storing.
    Optional<Run> found = runs.lock(run).filter(locked -> locked.attempt() >= attempt);
    if (found.isEmpty()) {
      return 0;
    }
    int last = assignments.lastKept(run, attempt);
    List<StepMetrics> kept = steps.stream().filter(step -> step.step() <= last).toList();
    Instant now = Instant.now().truncatedTo(ChronoUnit.MICROS);
    kept.forEach(step -> found.get().noteStep(step, now));
    List<Integer> numbers = kept.stream().map(StepMetrics::step).toList();
    // Not upsertMultiple: of a batch of upserts, Hibernate 7.2 with JDBC batching keeps the last
    // only.
    entities
        .createQuery(
            "delete from StepRow where key.run = :run and key.step in :steps"
                + " and attempt <= :attempt")
        .setParameter("run", run)
        .setParameter("steps", numbers)
        .setParameter("attempt", attempt)
        .executeUpdate();
    Set<Integer> later =
        Set.copyOf(
            entities
                .createQuery(
                    "select key.step from StepRow where key.run = :run and key.step in :steps",
                    Integer.class)
                .setParameter("run", run)
                .setParameter("steps", numbers)
                .getResultList());
    rows.insertMultiple(
        kept.stream().filter(step -> !later.contains(step.step())).map(StepRow::new).toList());
    return kept.size();
  }

  /**
   * Steps of a run from one on, ascending.
   *
   * @param limit most steps; fewer come where the steps of the run hold much, but one at least
   */
  List<StepMetrics> page(UUID run, int from, int limit) {
    return entities
        .createQuery(
            "from StepRow where key.run = :run and key.step >= :from order by key.step",
            StepRow.class)
        .setParameter("run", run)
        .setParameter("from", from)
        .setMaxResults(affordable(run, limit))
        .getResultStream()
        .map(StepRow::metrics)
        .toList();
  }

  /**
   * The last steps of an attempt after one, ascending.
   *
   * @param most of them; fewer come where the steps of the run hold much, but one at least
   */
  public List<StepMetrics> since(UUID run, int attempt, int after, int most) {
    return entities
        .createQuery(
            "from StepRow where key.run = :run and attempt = :attempt and key.step > :after"
                + " order by key.step desc",
            StepRow.class)
        .setParameter("run", run)
        .setParameter("attempt", attempt)
        .setParameter("after", after)
        .setMaxResults(affordable(run, most))
        .getResultList()
        .reversed()
        .stream()
        .map(StepRow::metrics)
        .toList();
  }

  @Override
  public StepWindow upTo(UUID run, int step, int most) {
    return new StepWindow(
        entities
            .createQuery(
                "from StepRow where key.run = :run and key.step <= :step order by key.step desc",
                StepRow.class)
            .setParameter("run", run)
            .setParameter("step", step)
            .setMaxResults(affordable(run, most))
            .getResultList()
            .reversed()
            .stream()
            .map(StepRow::metrics)
            .toList());
  }

  /** How many steps of a run fit into memory, each with a number for every expert. */
  private int affordable(UUID run, int most) {
    ModelConfig model = runs.specOf(run).model();
    return Math.clamp(MOST_NUMBERS / (model.layers() * model.experts()), 1, most);
  }

  /** Forgets what an earlier attempt did after the step from which the next one goes on. */
  void onAttempt(@Observes AttemptStarting attempt) {
    UUID run = attempt.run().id();
    entities
        .createQuery("delete from StepRow where key.run = :run and key.step > :step")
        .setParameter("run", run)
        .setParameter("step", attempt.resumeFromStep())
        .executeUpdate();
    Double last =
        entities
            .createQuery(
                "select loss from StepRow where key.run = :run and key.step = :step", Double.class)
            .setParameter("run", run)
            .setParameter("step", attempt.resumeFromStep())
            .getResultStream()
            .findFirst()
            .orElse(null);
    Double evaluation =
        entities
            .createQuery(
                "select evaluationLoss from StepRow where key.run = :run"
                    + " and evaluationLoss is not null order by key.step desc",
                Double.class)
            .setParameter("run", run)
            .setMaxResults(1)
            .getResultStream()
            .findFirst()
            .orElse(null);
    attempt.run().setBackLosses(last, evaluation);
  }
}
