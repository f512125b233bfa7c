package org.hetermoe.data;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.CRC32C;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.run.DataSpec;

/**
 * All tokens of a source, one after the other, in a memory-mapped file. The file is made when it is
 * first needed and found again by what decides its content: text, tokenizer and seed. Processes
 * that need it at the same time make it once.
 *
 * <p>Safe for several threads that read; close it when none reads any more.
 */
public final class PackedTokens implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(PackedTokens.class.getName());

  private static final ValueLayout.OfChar NARROW =
      ValueLayout.JAVA_CHAR.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt WIDE =
      ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final long CHECK_BYTES = 1L << 24;

  /** File locks keep processes apart, but not threads of one process. */
  private static final ConcurrentHashMap<Path, Object> LOCKS = new ConcurrentHashMap<>();

  private final Arena arena;
  private final MemorySegment ids;
  private final PackedMetadata metadata;

  private PackedTokens(Arena arena, MemorySegment ids, PackedMetadata metadata) {
    this.arena = arena;
    this.ids = ids;
    this.metadata = metadata;
  }

  /**
   * Opens the packed tokens of a source, and packs them first where that has not been done or the
   * file is damaged.
   *
   * @param data source and tokenizer
   * @param seed decides the order of the documents
   * @param modelVocabulary token ids that the model knows
   * @param dataDirectory where packed files are kept; made where there is none
   * @throws InvalidFieldException about {@code data.source}, {@code data.tokenizer} or {@code
   *     model.vocabulary} if there is no text, or source, tokenizer and model do not fit each other
   * @throws IOException if something cannot be read or written
   */
  public static PackedTokens open(DataSpec data, long seed, int modelVocabulary, Path dataDirectory)
      throws IOException {
    try (Tokenizer tokenizer = Tokenizers.open(data.tokenizer())) {
      if (tokenizer.vocabularySize() > modelVocabulary) {
        throw new InvalidFieldException(
            "model.vocabulary",
            "must be at least "
                + tokenizer.vocabularySize()
                + " for data.tokenizer '"
                + data.tokenizer()
                + "', is "
                + modelVocabulary);
      }
      try (TextSource source = TextSources.open(data.source())) {
        PackedMetadata wanted =
            PackedMetadata.wanted(
                data.source(),
                source.fingerprint(),
                tokenizer.id(),
                tokenizer.vocabularySize() <= 1 << 16 ? Character.BYTES : Integer.BYTES,
                seed);
        return open(source, tokenizer, wanted, Files.createDirectories(dataDirectory));
      }
    }
  }

  private static PackedTokens open(
      TextSource source, Tokenizer tokenizer, PackedMetadata wanted, Path directory)
      throws IOException {
    Path tokens = directory.toAbsolutePath().resolve(wanted.key() + ".tokens");
    PackedTokens found = find(tokens, wanted);
    if (found != null) {
      return found;
    }
    synchronized (LOCKS.computeIfAbsent(tokens, path -> new Object())) {
      try (FileChannel lock =
              FileChannel.open(
                  tokens.resolveSibling(wanted.key() + ".lock"),
                  StandardOpenOption.CREATE,
                  StandardOpenOption.WRITE);
          var held = lock.lock()) {
        Objects.requireNonNull(held);
        // Another process may have packed while this one waited.
        found = find(tokens, wanted);
        if (found != null) {
          return found;
        }
        new Packer(source, tokenizer, wanted).pack(tokens);
      }
    }
    found = find(tokens, wanted);
    if (found == null) {
      throw new IOException(tokens + " was damaged as soon as it was written");
    }
    return found;
  }

  /** Opens a packed file; null where there is none that is whole. */
  private static PackedTokens find(Path tokens, PackedMetadata wanted) throws IOException {
    Path description = PackedMetadata.beside(tokens);
    if (!Files.exists(tokens) || !Files.exists(description)) {
      return null;
    }
    PackedMetadata metadata;
    try {
      metadata = PackedMetadata.read(description);
    } catch (PackedMetadata.DamagedException damaged) {
      return repack(description, damaged.getMessage());
    }
    if (!metadata.matches(wanted)) {
      return repack(description, "it does not describe this source, tokenizer and seed");
    }
    Arena arena = Arena.ofShared();
    PackedTokens found = null;
    try (FileChannel channel = FileChannel.open(tokens, StandardOpenOption.READ)) {
      long bytes = metadata.tokens() * metadata.tokenBytes();
      if (channel.size() != bytes) {
        return repack(tokens, "it has " + channel.size() + " bytes instead of " + bytes);
      }
      MemorySegment ids = channel.map(FileChannel.MapMode.READ_ONLY, 0, bytes, arena);
      if (checksum(ids) != metadata.checksum()) {
        return repack(tokens, "its checksum differs");
      }
      found = new PackedTokens(arena, ids, metadata);
      return found;
    } finally {
      if (found == null) {
        arena.close();
      }
    }
  }

  private static PackedTokens repack(Path damaged, String problem) {
    LOG.log(
        System.Logger.Level.WARNING,
        () -> "Packing the text again, because " + damaged + " is damaged: " + problem);
    return null;
  }

  private static long checksum(MemorySegment bytes) {
    CRC32C checksum = new CRC32C();
    for (long at = 0; at < bytes.byteSize(); at += CHECK_BYTES) {
      checksum.update(
          bytes.asSlice(at, Math.min(CHECK_BYTES, bytes.byteSize() - at)).asByteBuffer());
    }
    return checksum.getValue();
  }

  /** Number of tokens. */
  public long size() {
    return metadata.tokens();
  }

  /** What the file holds and how it came about. */
  PackedMetadata metadata() {
    return metadata;
  }

  /** The same for two files with the same tokens; differs, most likely, for any others. */
  public String fingerprint() {
    return metadata.tokens() + "-" + Long.toHexString(metadata.checksum());
  }

  /**
   * Copies consecutive tokens.
   *
   * @param from the first
   * @param target where to
   * @param offset where in {@code target} to begin
   * @param count how many
   */
  public void copy(long from, int[] target, int offset, int count) {
    Objects.checkFromIndexSize(from, count, metadata.tokens());
    Objects.checkFromIndexSize(offset, count, target.length);
    if (metadata.tokenBytes() == Character.BYTES) {
      for (int i = 0; i < count; i++) {
        target[offset + i] = ids.getAtIndex(NARROW, from + i);
      }
    } else {
      MemorySegment.copy(ids, WIDE, from * Integer.BYTES, target, offset, count);
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
