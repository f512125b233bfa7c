package org.hetermoe.coordinator.checkpoint;

import java.util.UUID;

/**
 * Which shard of which checkpoint, written by which attempt.
 *
 * @param step after which the checkpoint is taken
 * @param shard role and rank of its writer: {@code expert-0}
 */
record ShardKey(UUID run, int attempt, int step, String shard) {}
