package org.hetermoe.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.hetermoe.tensor.Shape;
import org.hetermoe.weights.SafetensorsException;
import org.hetermoe.weights.SafetensorsHeader;

/**
 * A shard as the bytes of a safetensors file, without a copy of it in memory. May be streamed any
 * number of times, and always gives the same bytes, while the shard's memory lives and does not
 * change.
 */
public final class ShardFormat {
  private static final int DIGEST_CHUNK_BYTES = 1 << 20;

  private final SafetensorsHeader header;
  private final List<MemorySegment> parts = new ArrayList<>();

  private ShardFormat(SafetensorsHeader header) {
    this.header = header;
  }

  /**
   * The format of a shard.
   *
   * @param name of the shard, for error messages
   * @throws SafetensorsException if a tensor's memory has another size than its shape
   */
  public static ShardFormat of(String name, Shard shard) throws SafetensorsException {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    shard.tensors().forEach((tensor, entry) -> shapes.put(tensor, entry.shape()));
    ShardFormat format =
        new ShardFormat(SafetensorsHeader.forFloats(name, shapes, Map.of("format", "pt")));
    format.parts.add(MemorySegment.ofArray(format.header.toBytes()));
    for (Map.Entry<String, Shard.Entry> entry : shard.tensors().entrySet()) {
      long needed = format.header.tensor(entry.getKey()).bytes();
      MemorySegment data = entry.getValue().data();
      if (data.byteSize() != needed) {
        throw new SafetensorsException(
            name,
            entry.getKey(),
            "takes " + needed + " bytes, but has " + data.byteSize() + " to write");
      }
      format.parts.add(data);
    }
    return format;
  }

  /** The header that the bytes begin with. */
  public SafetensorsHeader header() {
    return header;
  }

  /** Number of bytes. */
  public long totalBytes() {
    return header.totalBytes();
  }

  /** SHA-256 of the bytes, in hexadecimal. Walks over all of them. */
  public String sha256() {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("every JDK has SHA-256", impossible);
    }
    for (ByteBuffer chunk : chunks(DIGEST_CHUNK_BYTES)) {
      digest.update(chunk);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /**
   * The bytes in chunks of the given size; only the last may be smaller. Every chunk is a heap
   * buffer of its own.
   */
  public Iterable<ByteBuffer> chunks(int chunkBytes) {
    if (chunkBytes < 1) {
      throw new IllegalArgumentException("chunks need at least 1 byte, not " + chunkBytes);
    }
    return () -> new Chunks(open(), chunkBytes);
  }

  /** The number of {@link #chunks} of that size. */
  public long chunkCount(int chunkBytes) {
    return Math.ceilDiv(totalBytes(), chunkBytes);
  }

  /** The bytes as a stream. */
  public InputStream open() {
    return new Stream(parts);
  }

  private static final class Chunks implements Iterator<ByteBuffer> {
    private final InputStream stream;
    private final int chunkBytes;
    private byte[] next;

    Chunks(InputStream stream, int chunkBytes) {
      this.stream = stream;
      this.chunkBytes = chunkBytes;
      advance();
    }

    @Override
    public boolean hasNext() {
      return next.length > 0;
    }

    @Override
    public ByteBuffer next() {
      if (!hasNext()) {
        throw new NoSuchElementException("the shard has no more chunks");
      }
      ByteBuffer chunk = ByteBuffer.wrap(next);
      advance();
      return chunk;
    }

    private void advance() {
      try {
        next = stream.readNBytes(chunkBytes);
      } catch (IOException impossible) {
        throw new UncheckedIOException("reading memory failed", impossible);
      }
    }
  }

  private static final class Stream extends InputStream {
    private final Iterator<MemorySegment> left;
    private MemorySegment part = MemorySegment.NULL;
    private long at;

    Stream(List<MemorySegment> parts) {
      this.left = parts.iterator();
    }

    @Override
    public int read() {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) {
      if (length == 0) {
        return 0;
      }
      while (at == part.byteSize()) {
        if (!left.hasNext()) {
          return -1;
        }
        part = left.next();
        at = 0;
      }
      int bytes = (int) Math.min(length, part.byteSize() - at);
      MemorySegment.copy(part, at, MemorySegment.ofArray(target), offset, bytes);
      at += bytes;
      return bytes;
    }
  }
}
