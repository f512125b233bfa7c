package org.hetermoe.train.step;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.hetermoe.channel.ChannelException;

/**
 * How one kind of control message lies in the table of a frame: its version, its length in bytes,
 * then its fields one after the other as {@link DataOutput} writes them.
 *
 * @param name of the message, for errors
 * @param version of its fields; one more whenever they change
 */
public record MessageCodec<T>(String name, int version, Writer<T> writer, Reader<T> reader) {
  private static final int FIELDS_AT = 2 * Integer.BYTES;

  /** Writes the fields of a message. */
  public interface Writer<T> {
    /** Writes them. */
    void write(T message, DataOutput out) throws IOException;
  }

  /** Reads the fields of a message. */
  public interface Reader<T> {
    /** Reads them, in the order they were written. */
    T read(DataInput in) throws IOException;
  }

  /** A message of one number. */
  public static MessageCodec<Double> number(String name) {
    return new MessageCodec<>(
        name, 1, (value, out) -> out.writeDouble(value), DataInput::readDouble);
  }

  /** The table of a message, as integers in native byte order. */
  public int[] encode(T message) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      writer.write(message, new DataOutputStream(bytes));
    } catch (IOException e) {
      throw new IllegalStateException("memory does not fail", e);
    }
    byte[] fields = bytes.toByteArray();
    int[] table = new int[Math.ceilDiv(FIELDS_AT + fields.length, Integer.BYTES)];
    MemorySegment segment = MemorySegment.ofArray(table);
    segment.set(ValueLayout.JAVA_INT, 0, version);
    segment.set(ValueLayout.JAVA_INT, Integer.BYTES, fields.length);
    MemorySegment.copy(MemorySegment.ofArray(fields), 0, segment, FIELDS_AT, fields.length);
    return table;
  }

  /**
   * Reads a table that {@link #encode} made.
   *
   * @throws ChannelException if it is of another version, or not what this message is made of
   */
  public T decode(MemorySegment table) {
    int found = table.byteSize() < FIELDS_AT ? 0 : table.get(ValueLayout.JAVA_INT, 0);
    if (found != version) {
      throw new ChannelException(
          "a %s has version %d, this software knows version %d: run one version in a group"
              .formatted(name, found, version));
    }
    int length = table.get(ValueLayout.JAVA_INT, Integer.BYTES);
    if (length < 0 || length > table.byteSize() - FIELDS_AT) {
      throw new ChannelException("a %s says it has %d bytes".formatted(name, length));
    }
    byte[] fields = table.asSlice(FIELDS_AT, length).toArray(ValueLayout.JAVA_BYTE);
    try {
      return reader.read(new DataInputStream(new ByteArrayInputStream(fields)));
    } catch (IOException e) {
      throw new ChannelException("a %s of %d bytes is too short".formatted(name, length), e);
    }
  }
}
