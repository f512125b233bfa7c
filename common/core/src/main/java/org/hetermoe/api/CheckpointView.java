package org.hetermoe.api;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

/**
 * A complete checkpoint as REST shows it.
 *
 * @param run the run
 * @param step the step after which it was taken
 * @param bytes size of all shards
 * @param shards its parts: one of each worker; each a safetensors file with weights under their
 *     canonical names and AdamW's moments under {@code optimizer.m.NAME} and {@code
 *     optimizer.v.NAME}
 */
public record CheckpointView(
    UUID run, int step, Instant createdAt, long bytes, List<Shard> shards) {
  public CheckpointView {
    shards = List.copyOf(shards);
  }

  /**
   * One part of a checkpoint.
   *
   * @param name {@code attention-0}, {@code expert-1}
   * @param bytes its size
   * @param sha256 of its content, in hexadecimal
   * @param tensors what it holds, by name
   */
  public record Shard(String name, long bytes, String sha256, List<String> tensors) {
    public Shard {
      tensors = List.copyOf(tensors);
    }
  }
}
