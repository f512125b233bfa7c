package org.hetermoe.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import org.hetermoe.model.InvalidFieldException;

/** The lines of a JSON-lines file, the field {@code text} of each a document. */
final class JsonLinesSource implements TextSource {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String FIELD = "text";

  private final Path path;
  private final FileChannel channel;
  private final String fingerprint;
  private long[] starts = new long[1024];
  private int[] lengths = new int[1024];
  private int[] lines = new int[1024];
  private int size;

  JsonLinesSource(Path path) throws IOException {
    this.path = path;
    try (InputStream in = new BufferedInputStream(Files.newInputStream(path), 1 << 16)) {
      index(in);
    }
    this.fingerprint =
        Digests.sha256("lines\n" + new FileSource(path.getParent(), List.of(path)).fingerprint());
    this.channel = FileChannel.open(path, StandardOpenOption.READ);
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public String name(int document) {
    return path + ":" + lines[document];
  }

  @Override
  public InputStream open(int document) throws IOException {
    ByteBuffer line = ByteBuffer.allocate(lengths[document]);
    while (line.hasRemaining()) {
      if (channel.read(line, starts[document] + line.position()) < 0) {
        throw new EOFException(path + " became shorter while it was read");
      }
    }
    JsonNode text;
    try {
      text = JSON.readTree(line.array()).path(FIELD);
    } catch (JsonProcessingException malformed) {
      InvalidFieldException named =
          new InvalidFieldException(
              "data.source",
              "'" + name(document) + "' is not JSON: " + malformed.getOriginalMessage());
      named.initCause(malformed);
      throw named;
    }
    if (!text.isTextual()) {
      throw new InvalidFieldException(
          "data.source", "'" + name(document) + "' has no field 'text' that holds text");
    }
    return new ByteArrayInputStream(text.textValue().getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public String fingerprint() {
    return fingerprint;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private void index(InputStream in) throws IOException {
    long at = 0;
    long start = 0;
    int line = 1;
    boolean blank = true;
    for (int next = in.read(); ; next = in.read()) {
      if (next < 0 || next == '\n') {
        if (!blank) {
          add(start, at - start, line);
        }
        if (next < 0) {
          return;
        }
        start = at + 1;
        line++;
        blank = true;
      } else if (next != ' ' && next != '\t' && next != '\r') {
        blank = false;
      }
      at++;
    }
  }

  private void add(long start, long length, int line) {
    if (length > Integer.MAX_VALUE - 8) {
      throw new InvalidFieldException(
          "data.source", "'" + path + ":" + line + "' is a line of more than 2 GB");
    }
    if (size == starts.length) {
      starts = Arrays.copyOf(starts, size * 2);
      lengths = Arrays.copyOf(lengths, size * 2);
      lines = Arrays.copyOf(lines, size * 2);
    }
    starts[size] = start;
    lengths[size] = (int) length;
    lines[size] = line;
    size++;
  }
}
