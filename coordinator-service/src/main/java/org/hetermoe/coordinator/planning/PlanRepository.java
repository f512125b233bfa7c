package org.hetermoe.coordinator.planning;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import java.util.List;
import java.util.UUID;
import org.hetermoe.group.Placement;
import org.hetermoe.run.RunPlan;

/** Stored plans. */
@ApplicationScoped
public class PlanRepository {
  private final EntityManager entities;

  PlanRepository(EntityManager entities) {
    this.entities = entities;
  }

  /** Stores a plan. */
  public void add(RunPlan plan) {
    entities.persist(new StoredPlan(plan));
  }

  /** Notes that the workers follow the plan with this placement. */
  public void followed(UUID run, int attempt, Placement placement, int afterStep, double seconds) {
    entities
        .createQuery(
            "from StoredPlan where key.run = :run and key.attempt = :attempt and fromStep is null",
            StoredPlan.class)
        .setParameter("run", run)
        .setParameter("attempt", attempt)
        .getResultStream()
        .filter(stored -> stored.plan().placement().equals(placement))
        .forEach(stored -> stored.followed(afterStep, seconds));
  }

  /** Plans of an attempt, oldest first; none where it was made before there were any. */
  public List<RunPlan> of(UUID run, int attempt) {
    return entities
        .createQuery(
            "from StoredPlan where key.run = :run and key.attempt = :attempt order by key.number",
            StoredPlan.class)
        .setParameter("run", run)
        .setParameter("attempt", attempt)
        .getResultStream()
        .map(StoredPlan::plan)
        .toList();
  }
}
