package org.hetermoe.coordinator.checkpoint;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.hetermoe.api.CheckpointView;
import org.hetermoe.api.Crc32c;
import org.hetermoe.api.ShardSummary;
import org.hetermoe.coordinator.placement.AssignmentRepository;
import org.hetermoe.coordinator.problem.ProblemException;
import org.hetermoe.coordinator.run.Run;
import org.hetermoe.coordinator.run.RunRepository;
import org.hetermoe.group.WorkerRank;
import org.jboss.logging.Logger;

/**
 * Takes the shards of checkpoints from the workers of the present attempt. A writer holds a key
 * lock on its run, so that no other attempt begins while it writes.
 */
@Startup
@ApplicationScoped
class CheckpointWriter {
  private static final Logger LOG = Logger.getLogger(CheckpointWriter.class);

  private final RunRepository runs;
  private final AssignmentRepository assignments;
  private final CheckpointRepository checkpoints;
  private final ChunkStore chunks;
  private final Counter bytesWritten;
  private final Counter completed;

  CheckpointWriter(
      RunRepository runs,
      AssignmentRepository assignments,
      CheckpointRepository checkpoints,
      ChunkStore chunks,
      MeterRegistry meters) {
    this.runs = runs;
    this.assignments = assignments;
    this.checkpoints = checkpoints;
    this.chunks = chunks;
    this.bytesWritten = meters.counter("hetermoe.checkpoint.bytes.written");
    this.completed = meters.counter("hetermoe.checkpoints.completed");
  }

  /**
   * Stores a chunk, in place of one that may be there.
   *
   * @throws ProblemException with status 409 if the attempt is over, the group has no such shard,
   *     or the shard is complete and has another chunk there
   */
  @Transactional
  void putChunk(ShardKey key, int index, Crc32c checksum, byte[] content) {
    runs.holdAttempt(key.run());
    checkAttempt(key, runs.get(key.run()));
    StoredShard shard = checkpoints.shard(key);
    if (shard.complete()) {
      if (!chunks.has(shard, index, checksum, content.length)) {
        throw ProblemException.conflict(
            "Shard " + key.shard() + " is complete and chunk " + index + " is another");
      }
      return;
    }
    chunks.put(shard, index, checksum, content);
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
  boolean completeShard(ShardKey key, ShardSummary summary) {
    Run run =
        runs.lock(key.run())
            .orElseThrow(() -> ProblemException.notFound("There is no run " + key.run()));
    Set<String> group = checkAttempt(key, run);
    StoredShard shard = checkpoints.shard(key);
    if (shard.complete()) {
      checkSame(shard, summary);
      return false;
    }
    checkChunks(shard, summary);
    Instant now = Instant.now().truncatedTo(ChronoUnit.MICROS);
    shard.complete(summary, now);
    StoredCheckpoint checkpoint = checkpoints.locked(shard);
    List<StoredShard> complete =
        checkpoint.shards().stream().filter(StoredShard::complete).toList();
    if (!complete.stream().map(StoredShard::name).collect(Collectors.toSet()).equals(group)) {
      return false;
    }
    checkpoints.removeCompleteAt(key.run(), key.step());
    checkpoint.complete(now, complete.stream().mapToLong(StoredShard::bytes).sum());
    run.noteCheckpoint(key.step());
    completed.increment();
    LOG.infof("Checkpoint of run %s after step %d is complete", key.run(), key.step());
    return true;
  }

  /** Names of the shards of the run's present group, if the key is one of them. */
  private Set<String> checkAttempt(ShardKey key, Run run) {
    if (key.attempt() != run.attempt()) {
      throw ProblemException.conflict(
          "Attempt "
              + key.attempt()
              + " of run "
              + run.id()
              + " is not its present one, which is "
              + run.attempt());
    }
    Set<String> group =
        assignments.members(run.id(), run.attempt()).stream()
            .map(member -> member.rank())
            .map(WorkerRank::toString)
            .collect(Collectors.toSet());
    if (!group.contains(key.shard())) {
      throw ProblemException.conflict(
          "A checkpoint of run "
              + run.id()
              + " has no shard '"
              + key.shard()
              + "' but "
              + group.stream().sorted().collect(Collectors.joining(", ")));
    }
    return group;
  }

  private static void checkSame(StoredShard shard, ShardSummary summary) {
    CheckpointView.Shard said =
        new CheckpointView.Shard(
            shard.name(), summary.bytes(), summary.sha256(), summary.tensors());
    if (!shard.view().equals(said)) {
      throw ProblemException.conflict("Shard " + shard.name() + " is complete and is another");
    }
  }

  private void checkChunks(StoredShard shard, ShardSummary summary) {
    ChunkStore.Content content = chunks.content(shard);
    if (content.chunks() != summary.chunks() || content.last() != summary.chunks() - 1) {
      throw ProblemException.unprocessable(
          "Of "
              + summary.chunks()
              + " chunks of shard "
              + shard.name()
              + ", "
              + content.chunks()
              + " are here, the last of them number "
              + content.last());
    }
    if (content.bytes() != summary.bytes()) {
      throw ProblemException.unprocessable(
          "The chunks of shard "
              + shard.name()
              + " have "
              + content.bytes()
              + " bytes together, not "
              + summary.bytes());
    }
  }
}
