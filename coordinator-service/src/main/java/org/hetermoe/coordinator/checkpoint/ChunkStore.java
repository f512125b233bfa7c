package org.hetermoe.coordinator.checkpoint;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import java.util.List;
import java.util.Optional;
import org.hetermoe.api.Crc32c;

/** What is in shards, in chunks as their writers sent them. */
@ApplicationScoped
class ChunkStore {
  private final EntityManager entities;

  ChunkStore(EntityManager entities) {
    this.entities = entities;
  }

  /**
   * What of a shard is here.
   *
   * @param last index of the last chunk; -1 where there is none
   */
  record Content(long chunks, int last, long bytes) {}

  /** The size of a chunk. */
  record Size(int index, int bytes) {}

  /** Stores a chunk, in place of one that may be there. */
  void put(StoredShard shard, int index, Crc32c checksum, byte[] content) {
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
  }

  /** Whether a chunk is here, by its checksum and its size. */
  boolean has(StoredShard shard, int index, Crc32c checksum, int bytes) {
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

  /** What of a shard is here. */
  Content content(StoredShard shard) {
    return entities
        .createQuery(
            """
            select count(*), coalesce(max(key.index), -1), coalesce(sum(bytes), 0)
            from StoredChunk where key.shard = :shard
            """,
            Content.class)
        .setParameter("shard", shard.id())
        .getSingleResult();
  }

  /** Sizes of the chunks of a shard, in order. */
  List<Size> sizes(StoredShard shard) {
    return entities
        .createQuery(
            "select key.index, bytes from StoredChunk where key.shard = :shard"
                + " order by key.index",
            Size.class)
        .setParameter("shard", shard.id())
        .getResultList();
  }

  /** A chunk; empty where it was removed. */
  Optional<StoredChunk> chunk(long shard, int index) {
    return Optional.ofNullable(entities.find(StoredChunk.class, new StoredChunk.Key(shard, index)));
  }
}
