package org.hetermoe.checkpoint.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.hetermoe.checkpoint.CheckpointStore;
import org.hetermoe.checkpoint.Shard;
import org.hetermoe.checkpoint.ShardFormat;
import org.hetermoe.run.CheckpointView;
import org.hetermoe.run.Json;

/**
 * Checkpoints that the coordinator keeps. Shards go there in chunks with a checksum each, and a
 * digest over all of them at the end; they come back in ranges. A thread that is interrupted leaves
 * with {@link java.io.InterruptedIOException} and its flag set.
 */
public final class HttpCheckpointStore implements CheckpointStore, AutoCloseable {
  /** Bytes of every chunk but the last. */
  static final int CHUNK_BYTES = 4 << 20;

  private final CoordinatorHttp http;

  /**
   * A store at a coordinator; connects when it is first used.
   *
   * @param coordinator where its REST API is: {@code http://127.0.0.1:8080}
   */
  public HttpCheckpointStore(URI coordinator, RetryPolicy retries) {
    this.http = new CoordinatorHttp(coordinator, retries);
  }

  @Override
  public void write(UUID run, int attempt, int step, String shard, Shard content)
      throws IOException {
    String path = checkpointPath(run, step) + "/shards/" + shard;
    ShardFormat format = ShardFormat.of(shard, content);
    MessageDigest digest = sha256();
    int index = 0;
    try (InputStream bytes = format.open()) {
      for (byte[] chunk = bytes.readNBytes(CHUNK_BYTES);
          chunk.length > 0;
          chunk = bytes.readNBytes(CHUNK_BYTES)) {
        putChunk(path + "/chunks/" + index + "?attempt=" + attempt, chunk);
        digest.update(chunk);
        index++;
      }
    }
    Completion completion =
        new Completion(
            format.totalBytes(),
            HexFormat.of().formatHex(digest.digest()),
            index,
            List.copyOf(content.tensors().keySet()));
    HttpRequest request =
        http.request(path + "?attempt=" + attempt)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofByteArray(json(completion)))
            .build();
    http.send(request, _ -> {});
  }

  @Override
  public StoredCheckpoint open(UUID run, int step) throws IOException {
    String path = checkpointPath(run, step);
    HttpResponse<byte[]> reply = http.send(http.request(path).GET().build(), _ -> {});
    CheckpointView view;
    try {
      view = Json.MAPPER.readValue(reply.body(), CheckpointView.class);
    } catch (JsonProcessingException e) {
      throw new IOException(
          "the coordinator's description of checkpoint %d of run %s cannot be read: %s"
              .formatted(step, run, e.getOriginalMessage()),
          e);
    }
    return new RemoteCheckpoint(http, path, view);
  }

  @Override
  public void close() {
    http.close();
  }

  /**
   * What the coordinator checks the chunks against.
   *
   * @param bytes of all chunks
   * @param sha256 of all chunks, in hexadecimal
   * @param chunks their number
   * @param tensors what the shard holds, by name
   */
  record Completion(long bytes, String sha256, int chunks, List<String> tensors) {}

  private void putChunk(String path, byte[] chunk) throws IOException {
    HttpRequest request =
        http.request(path)
            .header("Content-Type", "application/octet-stream")
            .header(Checksum.HEADER, Checksum.crc32c(chunk))
            .PUT(HttpRequest.BodyPublishers.ofByteArray(chunk))
            .build();
    http.send(request, _ -> {});
  }

  private static String checkpointPath(UUID run, int step) {
    return "api/v1/runs/" + run + "/checkpoints/" + step;
  }

  private static byte[] json(Completion completion) {
    try {
      return Json.MAPPER.writeValueAsBytes(completion);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("numbers and names always have a JSON form", e);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
