package org.hetermoe.coordinator.checkpoint;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import org.hetermoe.coordinator.problem.ProblemException;

/** Reads shards of complete checkpoints, chunk by chunk, each in a transaction of its own. */
@Startup
@ApplicationScoped
class ShardReader {
  private final ChunkStore store;
  private final Counter bytesRead;

  ShardReader(ChunkStore store, MeterRegistry meters) {
    this.store = store;
    this.bytesRead = meters.counter("hetermoe.checkpoint.bytes.read");
  }

  /**
   * A shard that can be read.
   *
   * @param chunks in order
   */
  record ShardContent(long id, long bytes, String sha256, List<Chunk> chunks) {
    ShardContent {
      chunks = List.copyOf(chunks);
    }
  }

  /**
   * Where a chunk lies in its shard.
   *
   * @param first position of its first byte
   */
  record Chunk(int index, long first, int bytes) {
    boolean meets(ByteRange range) {
      return first <= range.last() && first + bytes > range.first();
    }
  }

  ShardContent open(StoredShard shard) {
    List<Chunk> chunks = new ArrayList<>();
    long position = 0;
    for (ChunkStore.Size size : store.sizes(shard)) {
      chunks.add(new Chunk(size.index(), position, size.bytes()));
      position += size.bytes();
    }
    return new ShardContent(shard.id(), shard.bytes(), shard.sha256(), chunks);
  }

  /**
   * Writes a range of a shard, from the chunks that it touches alone.
   *
   * @throws CorruptChunkException if a chunk is not what was stored; nothing of it is written
   */
  void copy(ShardContent shard, ByteRange range, OutputStream target) throws IOException {
    for (Chunk chunk : shard.chunks()) {
      if (!chunk.meets(range)) {
        continue;
      }
      byte[] content = content(shard, chunk);
      int from = (int) Math.max(0, range.first() - chunk.first());
      int to = (int) Math.min(chunk.bytes(), range.last() + 1 - chunk.first());
      target.write(content, from, to - from);
      bytesRead.increment(to - from);
    }
  }

  /**
   * Reads the first chunk that a range touches, so that one that cannot be read becomes an answer
   * and not a broken stream.
   */
  void probe(ShardContent shard, ByteRange range) throws IOException {
    for (Chunk chunk : shard.chunks()) {
      if (chunk.meets(range)) {
        content(shard, chunk);
        return;
      }
    }
  }

  private byte[] content(ShardContent shard, Chunk chunk) throws CorruptChunkException {
    return QuarkusTransaction.requiringNew()
        .call(() -> store.chunk(shard.id(), chunk.index()))
        .orElseThrow(
            () -> ProblemException.notFound("The checkpoint was removed while it was read"))
        .verified();
  }
}
