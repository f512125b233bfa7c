package org.hetermoe.coordinator.checkpoint;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import jakarta.persistence.LockModeType;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.hetermoe.api.CheckpointView;

/** Which checkpoints there are, and of which shards; what is in the shards is elsewhere. */
@ApplicationScoped
class CheckpointRepository {
  private final EntityManager entities;

  CheckpointRepository(EntityManager entities) {
    this.entities = entities;
  }

  /** Complete checkpoints, newest first. */
  List<CheckpointView> all(UUID run) {
    return complete(run).stream().map(StoredCheckpoint::view).toList();
  }

  /** The complete checkpoint at a step. */
  Optional<StoredCheckpoint> at(UUID run, int step) {
    return complete(run).stream().filter(checkpoint -> checkpoint.step() == step).findFirst();
  }

  /** The newest complete checkpoint. */
  Optional<StoredCheckpoint> newest(UUID run) {
    return complete(run).stream().findFirst();
  }

  private List<StoredCheckpoint> complete(UUID run) {
    return entities
        .createQuery(
            """
            select distinct c from StoredCheckpoint c join fetch c.shards
            where c.run = :run and c.completedAt is not null order by c.step desc
            """,
            StoredCheckpoint.class)
        .setParameter("run", run)
        .getResultList();
  }

  /** A shard, begun now if this is the first that is heard of it; several may ask at once. */
  StoredShard shard(ShardKey key) {
    entities
        .createNativeQuery(
            """
            insert into checkpoint (run_id, step, attempt, created_at)
            values (:run, :step, :attempt, now()) on conflict (run_id, step, attempt) do nothing
            """)
        .setParameter("run", key.run())
        .setParameter("step", key.step())
        .setParameter("attempt", key.attempt())
        .executeUpdate();
    entities
        .createNativeQuery(
            """
            insert into checkpoint_shard (checkpoint_id, name)
            select id, :name from checkpoint
            where run_id = :run and step = :step and attempt = :attempt
            on conflict (checkpoint_id, name) do nothing
            """)
        .setParameter("name", key.shard())
        .setParameter("run", key.run())
        .setParameter("step", key.step())
        .setParameter("attempt", key.attempt())
        .executeUpdate();
    return entities
        .createQuery(
            """
            from StoredShard where name = :name and checkpoint.run = :run
              and checkpoint.step = :step and checkpoint.attempt = :attempt
            """,
            StoredShard.class)
        .setParameter("name", key.shard())
        .setParameter("run", key.run())
        .setParameter("step", key.step())
        .setParameter("attempt", key.attempt())
        .getSingleResult();
  }

  /** The checkpoint of a shard, locked until the transaction ends. */
  StoredCheckpoint locked(StoredShard shard) {
    return entities.find(
        StoredCheckpoint.class, shard.checkpoint().id(), LockModeType.PESSIMISTIC_WRITE);
  }

  /** Removes the complete checkpoint at a step, in whose place another comes. */
  void removeCompleteAt(UUID run, int step) {
    entities
        .createNativeQuery(
            "delete from checkpoint where run_id = :run and step = :step"
                + " and completed_at is not null")
        .setParameter("run", run)
        .setParameter("step", step)
        .executeUpdate();
  }

  /** Removes what was begun and not completed. */
  void removeIncomplete(UUID run) {
    entities
        .createNativeQuery("delete from checkpoint where run_id = :run and completed_at is null")
        .setParameter("run", run)
        .executeUpdate();
  }

  /**
   * Removes all but the newest complete checkpoints, and what was begun before a step and not
   * completed.
   *
   * @return how many were removed
   */
  int removeSuperfluous(UUID run, int step, int kept) {
    return entities
        .createNativeQuery(
            """
            delete from checkpoint where run_id = :run and (
              completed_at is null and step < :step
              or completed_at is not null and id not in (
                select id from checkpoint where run_id = :run and completed_at is not null
                order by step desc limit :kept))
            """)
        .setParameter("run", run)
        .setParameter("step", step)
        .setParameter("kept", kept)
        .executeUpdate();
  }
}
