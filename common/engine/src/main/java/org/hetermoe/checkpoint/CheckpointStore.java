package org.hetermoe.checkpoint;

import java.io.IOException;
import java.util.UUID;

/**
 * Where a run's checkpoints are kept; reached by way of the coordinator. Safe for several threads.
 */
public interface CheckpointStore {
  /**
   * Stores one shard of a checkpoint and returns when it is durable. The checkpoint becomes visible
   * once all shards of its group are stored.
   *
   * @param attempt the attempt that writes; a later attempt's writer wins
   * @param step the step after which it was taken
   * @param shard name of the shard: role and rank of the worker that writes it
   * @throws IOException if it could not be stored, retries included
   */
  void write(UUID run, int attempt, int step, String shard, Shard content) throws IOException;

  /**
   * Opens a complete checkpoint.
   *
   * @throws IOException if there is none at that step, or it cannot be reached
   */
  CheckpointReader open(UUID run, int step) throws IOException;
}
