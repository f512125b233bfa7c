package org.hetermoe.coordinator.checkpoint;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.persistence.EntityManager;
import jakarta.persistence.LockModeType;
import jakarta.transaction.Transactional;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.hetermoe.api.CheckpointView;
import org.hetermoe.api.Crc32c;
import org.hetermoe.api.ShardSummary;
import org.hetermoe.coordinator.CoordinatorConfig;
import org.hetermoe.coordinator.placement.AssignmentRepository;
import org.hetermoe.coordinator.problem.ProblemException;
import org.hetermoe.coordinator.run.AttemptBegins;
import org.hetermoe.coordinator.run.Run;
import org.hetermoe.coordinator.run.RunRepository;
import org.hetermoe.group.WorkerRank;
import org.jboss.logging.Logger;

/**
 * Stored checkpoints. A writer holds a key lock on its run, so that no other attempt begins while
 * it writes, and whatever an attempt leaves incomplete is gone when the next one begins.
 */
@Startup
@ApplicationScoped
class Checkpoints {
  private static final Logger LOG = Logger.getLogger(Checkpoints.class);

  private final EntityManager entities;
  private final RunRepository runs;
  private final AssignmentRepository assignments;
  private final int kept;
  private final Counter bytesWritten;
  private final Counter completed;

  Checkpoints(
      EntityManager entities,
      RunRepository runs,
      AssignmentRepository assignments,
      CoordinatorConfig config,
      MeterRegistry meters) {
    this.entities = entities;
    this.runs = runs;
    this.assignments = assignments;
    this.kept = config.checkpointsKept();
    if (kept < 1) {
      throw new IllegalArgumentException(
          "hetermoe.coordinator.checkpoints-kept must be at least 1, is " + kept);
    }
    this.bytesWritten = meters.counter("hetermoe.checkpoint.bytes.written");
    this.completed = meters.counter("hetermoe.checkpoints.completed");
  }

  /** Which shard, written by which attempt. */
  record Place(UUID run, int attempt, int step, String shard) {}

  /**
   * Stores a chunk, in place of one that may be there.
   *
   * @throws ProblemException with status 409 if the attempt is over, the group has no such shard,
   *     or the shard is complete and has another chunk there
   */
  @Transactional
  void putChunk(Place place, int index, Crc32c checksum, byte[] content) {
    entities
        .createNativeQuery("select id from run where id = :id for key share", UUID.class)
        .setParameter("id", place.run())
        .getResultList();
    checkAttempt(place, runs.get(place.run()));
    StoredShard shard = shardToWrite(place);
    if (shard.complete()) {
      if (!hasChunk(shard, index, checksum, content.length)) {
        throw ProblemException.conflict(
            "Shard " + place.shard() + " is complete and chunk " + index + " is another");
      }
      return;
    }
    entities
        .createNativeQuery(
            """
            insert into checkpoint_chunk (shard_id, index, bytes, crc32c, content)
            values (:shard, :index, :bytes, :crc32c, :content)
            on conflict (shard_id, index) do update set
              bytes = excluded.bytes, crc32c = excluded.crc32c, content = excluded.content
            """)
        .setParameter("shard", shard.id())
        .setParameter("index", index)
        .setParameter("bytes", content.length)
        .setParameter("crc32c", checksum.value())
        .setParameter("content", content)
        .executeUpdate();
    bytesWritten.increment(content.length);
  }

  /**
   * Notes that a shard is complete; with the last one the checkpoint becomes visible.
   *
   * @return whether it has
   * @throws ProblemException with status 409 if the attempt is over or the group has no such shard,
   *     422 if chunks are missing or do not add up
   */
  @Transactional
  boolean completeShard(Place place, ShardSummary summary) {
    Run run =
        runs.lock(place.run())
            .orElseThrow(() -> ProblemException.notFound("There is no run " + place.run()));
    Set<String> group = checkAttempt(place, run);
    StoredShard shard = shardToWrite(place);
    if (shard.complete()) {
      if (!shard
          .view()
          .equals(
              new CheckpointView.Shard(
                  shard.name(), summary.bytes(), summary.sha256(), summary.tensors()))) {
        throw ProblemException.conflict("Shard " + place.shard() + " is complete and is another");
      }
      return false;
    }
    checkChunks(shard, summary);
    Instant now = Instant.now().truncatedTo(ChronoUnit.MICROS);
    shard.complete(summary, now);
    StoredCheckpoint checkpoint =
        entities.find(
            StoredCheckpoint.class, shard.checkpoint().id(), LockModeType.PESSIMISTIC_WRITE);
    List<StoredShard> complete =
        checkpoint.shards().stream().filter(StoredShard::complete).toList();
    if (!complete.stream().map(StoredShard::name).collect(Collectors.toSet()).equals(group)) {
      return false;
    }
    removeCompleteAt(place.run(), place.step());
    checkpoint.complete(now, complete.stream().mapToLong(StoredShard::bytes).sum());
    run.noteCheckpoint(place.step());
    completed.increment();
    LOG.infof("Checkpoint of run %s after step %d is complete", place.run(), place.step());
    return true;
  }

  /** Removes what a complete checkpoint has made superfluous. */
  @Transactional
  void removeSuperfluous(UUID run, int step) {
    int removed =
        entities
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
    LOG.debugf("Removed %d superfluous checkpoints of run %s", removed, run);
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

  /** Removes what earlier attempts left incomplete. */
  void onAttempt(@Observes AttemptBegins attempt) {
    entities
        .createNativeQuery("delete from checkpoint where run_id = :run and completed_at is null")
        .setParameter("run", attempt.run().id())
        .executeUpdate();
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

  /** Names of the shards of the run's present group, if the place is one of them. */
  private Set<String> checkAttempt(Place place, Run run) {
    if (place.attempt() != run.attempt()) {
      throw ProblemException.conflict(
          "Attempt "
              + place.attempt()
              + " of run "
              + run.id()
              + " is not its present one, which is "
              + run.attempt());
    }
    Set<String> group =
        assignments.members(run.id(), run.attempt()).stream()
            .map(member -> member.peer())
            .map(WorkerRank::toString)
            .collect(Collectors.toSet());
    if (!group.contains(place.shard())) {
      throw ProblemException.conflict(
          "A checkpoint of run "
              + run.id()
              + " has no shard '"
              + place.shard()
              + "' but "
              + group.stream().sorted().collect(Collectors.joining(", ")));
    }
    return group;
  }

  private StoredShard shardToWrite(Place place) {
    entities
        .createNativeQuery(
            """
            insert into checkpoint (run_id, step, attempt, created_at)
            values (:run, :step, :attempt, now()) on conflict (run_id, step, attempt) do nothing
            """)
        .setParameter("run", place.run())
        .setParameter("step", place.step())
        .setParameter("attempt", place.attempt())
        .executeUpdate();
    entities
        .createNativeQuery(
            """
            insert into checkpoint_shard (checkpoint_id, name)
            select id, :name from checkpoint
            where run_id = :run and step = :step and attempt = :attempt
            on conflict (checkpoint_id, name) do nothing
            """)
        .setParameter("name", place.shard())
        .setParameter("run", place.run())
        .setParameter("step", place.step())
        .setParameter("attempt", place.attempt())
        .executeUpdate();
    return entities
        .createQuery(
            """
            from StoredShard where name = :name and checkpoint.run = :run
              and checkpoint.step = :step and checkpoint.attempt = :attempt
            """,
            StoredShard.class)
        .setParameter("name", place.shard())
        .setParameter("run", place.run())
        .setParameter("step", place.step())
        .setParameter("attempt", place.attempt())
        .getSingleResult();
  }

  private boolean hasChunk(StoredShard shard, int index, Crc32c checksum, int bytes) {
    return entities
            .createQuery(
                """
                select count(*) from StoredChunk
                where key.shard = :shard and key.index = :index and crc32c = :crc32c
                  and bytes = :bytes
                """,
                Long.class)
            .setParameter("shard", shard.id())
            .setParameter("index", index)
            .setParameter("crc32c", checksum.value())
            .setParameter("bytes", bytes)
            .getSingleResult()
        == 1;
  }

  private void checkChunks(StoredShard shard, ShardSummary summary) {
    Object[] found =
        entities
            .createQuery(
                """
                select count(*), coalesce(max(key.index), -1), coalesce(sum(bytes), 0)
                from StoredChunk where key.shard = :shard
                """,
                Object[].class)
            .setParameter("shard", shard.id())
            .getSingleResult();
    long chunks = ((Number) found[0]).longValue();
    int last = ((Number) found[1]).intValue();
    long bytes = ((Number) found[2]).longValue();
    if (chunks != summary.chunks() || last != summary.chunks() - 1) {
      throw ProblemException.unprocessable(
          "Of "
              + summary.chunks()
              + " chunks of shard "
              + shard.name()
              + ", "
              + chunks
              + " are here, the last of them number "
              + last);
    }
    if (bytes != summary.bytes()) {
      throw ProblemException.unprocessable(
          "The chunks of shard "
              + shard.name()
              + " have "
              + bytes
              + " bytes together, not "
              + summary.bytes());
    }
  }

  private void removeCompleteAt(UUID run, int step) {
    entities
        .createNativeQuery(
            "delete from checkpoint where run_id = :run and step = :step"
                + " and completed_at is not null")
        .setParameter("run", run)
        .setParameter("step", step)
        .executeUpdate();
  }
}
