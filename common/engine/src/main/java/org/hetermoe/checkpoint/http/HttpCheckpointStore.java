package org.hetermoe.checkpoint.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.hetermoe.api.ApiException;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.ShardSummary;
import org.hetermoe.checkpoint.CheckpointReader;
import org.hetermoe.checkpoint.CheckpointStore;
import org.hetermoe.checkpoint.Shard;
import org.hetermoe.checkpoint.ShardFormat;

/**
 * Checkpoints that the coordinator keeps. Shards go there in chunks with a checksum each, and a
 * digest over all of them at the end; they come back in ranges. A thread that is interrupted leaves
 * with {@link InterruptedIOException} and its flag set.
 */
public final class HttpCheckpointStore implements CheckpointStore {
  /** Bytes of every chunk but the last. */
  static final int CHUNK_BYTES = 4 << 20;

  private final CoordinatorClient coordinator;

  /** A store at a coordinator; the client stays the caller's. */
  public HttpCheckpointStore(CoordinatorClient coordinator) {
    this.coordinator = coordinator;
  }

  @Override
  public void write(UUID run, int attempt, int step, String shard, Shard content)
      throws IOException {
    request(
        "shard %s of checkpoint %d of run %s cannot be stored".formatted(shard, step, run),
        () -> {
          upload(run, attempt, step, shard, content);
          return null;
        });
  }

  @Override
  public CheckpointReader open(UUID run, int step) throws IOException {
    return new RemoteCheckpoint(
        coordinator,
        request(
            "checkpoint %d of run %s cannot be opened".formatted(step, run),
            () -> coordinator.checkpoint(run, step)));
  }

  /** A request, or several, to the coordinator. */
  @FunctionalInterface
  interface Request<T> {
    /** Sends it. */
    T send() throws IOException, InterruptedException;
  }

  /** Says in problems what could not be done, and wraps an interrupt. */
  static <T> T request(String failure, Request<T> request) throws IOException {
    try {
      return request.send();
    } catch (ApiException e) {
      throw new IOException(failure + ": " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      InterruptedIOException wrapped = new InterruptedIOException(failure + ": interrupted");
      wrapped.initCause(e);
      throw wrapped;
    }
  }

  private void upload(UUID run, int attempt, int step, String shard, Shard content)
      throws IOException, InterruptedException {
    ShardFormat format = ShardFormat.of(shard, content);
    MessageDigest digest = sha256();
    int index = 0;
    try (InputStream bytes = format.open()) {
      for (byte[] chunk = bytes.readNBytes(CHUNK_BYTES);
          chunk.length > 0;
          chunk = bytes.readNBytes(CHUNK_BYTES)) {
        coordinator.putChunk(run, attempt, step, shard, index, chunk);
        digest.update(chunk);
        index++;
      }
    }
    coordinator.completeShard(
        run,
        attempt,
        step,
        shard,
        new ShardSummary(
            format.totalBytes(),
            HexFormat.of().formatHex(digest.digest()),
            index,
            List.copyOf(content.tensors().keySet())));
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
