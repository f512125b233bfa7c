package org.hetermoe.coordinator.checkpoint;

import jakarta.persistence.Column;
import jakarta.persistence.Embeddable;
import jakarta.persistence.EmbeddedId;
import jakarta.persistence.Entity;
import jakarta.persistence.Table;
import org.hetermoe.api.Crc32c;
import org.hibernate.annotations.Immutable;

/** A piece of a shard, with the checksum that its writer gave. */
@Entity
@Immutable
@Table(name = "checkpoint_chunk")
class StoredChunk {
  @EmbeddedId private Key key;

  @Column(nullable = false)
  private int bytes;

  @Column(nullable = false)
  private int crc32c;

  @Column(nullable = false)
  private byte[] content;

  protected StoredChunk() {}

  Key key() {
    return key;
  }

  /**
   * The content, if it is still what was stored.
   *
   * @throws CorruptChunkException if it is not
   */
  byte[] verified() throws CorruptChunkException {
    if (content.length != bytes || Crc32c.of(content).value() != crc32c) {
      throw new CorruptChunkException(
          "Chunk " + key.index() + " of shard " + key.shard() + " is not what was stored");
    }
    return content;
  }

  /** Shard and position in it. */
  @Embeddable
  record Key(@Column(name = "shard_id") long shard, @Column(name = "index") int index) {}
}
