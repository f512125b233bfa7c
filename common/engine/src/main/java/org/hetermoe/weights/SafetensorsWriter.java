package org.hetermoe.weights;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.Iterator;
import java.util.Map;

/**
 * Writes a safetensors file of F32 tensors, one tensor after the other, so that no more than one
 * has to be in memory. For one thread.
 */
public final class SafetensorsWriter implements AutoCloseable {
  /** A view of a segment as a buffer reaches no further than an int; this is well below. */
  private static final long CHUNK_BYTES = 1L << 24;

  private final WritableByteChannel out;
  private final SafetensorsHeader header;
  private final Iterator<TensorInfo> left;
  private TensorInfo next;

  /**
   * Writes the header.
   *
   * @param out where to; closed with this writer
   * @param header what will be written, from {@link SafetensorsHeader#forFloats}
   */
  public SafetensorsWriter(WritableByteChannel out, SafetensorsHeader header) throws IOException {
    this.out = out;
    this.header = header;
    this.left = header.tensors().values().iterator();
    writeFully(ByteBuffer.wrap(header.toBytes()));
    advance();
  }

  /**
   * Writes a whole file.
   *
   * @param out where to; closed
   * @param header what is written
   * @param tensors the elements of every tensor of the header, little-endian F32, by name
   */
  public static void write(
      WritableByteChannel out, SafetensorsHeader header, Map<String, MemorySegment> tensors)
      throws IOException {
    try (SafetensorsWriter writer = new SafetensorsWriter(out, header)) {
      for (String name : header.tensors().keySet()) {
        MemorySegment data = tensors.get(name);
        if (data == null) {
          throw new SafetensorsException(header.file(), name, "is missing from what to write");
        }
        writer.write(name, data);
      }
      writer.finish();
    }
  }

  /**
   * Writes the next tensor.
   *
   * @param name must be the next in the header's order
   * @param data its elements, little-endian F32, row-major
   * @throws SafetensorsException if it is another tensor's turn or the size differs
   */
  public void write(String name, MemorySegment data) throws IOException {
    if (next == null || !next.name().equals(name)) {
      throw new SafetensorsException(
          header.file(),
          name,
          "is written where " + (next == null ? "the end" : "'" + next.name() + "'") + " is due");
    }
    if (data.byteSize() != next.bytes()) {
      throw new SafetensorsException(
          header.file(),
          name,
          "takes " + next.bytes() + " bytes, but has " + data.byteSize() + " to write");
    }
    for (long at = 0; at < data.byteSize(); at += CHUNK_BYTES) {
      long bytes = Math.min(CHUNK_BYTES, data.byteSize() - at);
      writeFully(data.asSlice(at, bytes).asByteBuffer());
    }
    advance();
  }

  /**
   * Confirms that all tensors of the header were written.
   *
   * @throws SafetensorsException if one is still due
   */
  public void finish() throws SafetensorsException {
    if (next != null) {
      throw new SafetensorsException(header.file(), next.name(), "was not written");
    }
  }

  @Override
  public void close() throws IOException {
    out.close();
  }

  private void advance() {
    next = left.hasNext() ? left.next() : null;
  }

  private void writeFully(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }
}
