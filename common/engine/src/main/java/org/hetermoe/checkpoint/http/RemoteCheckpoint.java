package org.hetermoe.checkpoint.http;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.hetermoe.checkpoint.CheckpointStore.StoredCheckpoint;
import org.hetermoe.checkpoint.http.CoordinatorHttp.DamagedReplyException;
import org.hetermoe.run.CheckpointView;
import org.hetermoe.weights.SafetensorsHeader;
import org.hetermoe.weights.StoredType;
import org.hetermoe.weights.TensorInfo;

/** A complete checkpoint whose tensors are read from the coordinator one by one, in ranges. */
final class RemoteCheckpoint implements StoredCheckpoint {
  /** Bytes of one range: few requests, and a bounded reply. */
  static final int RANGE_BYTES = 8 << 20;

  private static final int PARTIAL_CONTENT = 206;

  private final CoordinatorHttp http;
  private final String path;
  private final CheckpointView view;
  private final Map<String, CheckpointView.Shard> shardOfTensor = new HashMap<>();
  private final Map<String, SafetensorsHeader> headers = new HashMap<>();

  RemoteCheckpoint(CoordinatorHttp http, String path, CheckpointView view) {
    this.http = http;
    this.path = path;
    this.view = view;
    for (CheckpointView.Shard shard : view.shards()) {
      shard.tensors().forEach(tensor -> shardOfTensor.put(tensor, shard));
    }
  }

  @Override
  public void read(String tensor, MemorySegment target) throws IOException {
    CheckpointView.Shard shard = shardOfTensor.get(tensor);
    if (shard == null) {
      throw new IOException("%s has no tensor '%s'".formatted(this, tensor));
    }
    SafetensorsHeader header = header(shard);
    TensorInfo info = header.tensor(tensor);
    if (info.type() != StoredType.F32 || info.bytes() != target.byteSize()) {
      throw new IOException(
          "%s: tensor '%s' has %d bytes of %s, not the expected %d of F32"
              .formatted(this, tensor, info.bytes(), info.type(), target.byteSize()));
    }
    long begin = header.fileOffset(info);
    for (long at = 0; at < info.bytes(); at += RANGE_BYTES) {
      int length = (int) Math.min(RANGE_BYTES, info.bytes() - at);
      MemorySegment.copy(
          MemorySegment.ofArray(range(shard, begin + at, length)), 0, target, at, length);
    }
  }

  @Override
  public void close() {
    // The connection belongs to the store.
  }

  @Override
  public String toString() {
    return "checkpoint " + view.step() + " of run " + view.run();
  }

  private synchronized SafetensorsHeader header(CheckpointView.Shard shard) throws IOException {
    SafetensorsHeader known = headers.get(shard.name());
    if (known != null) {
      return known;
    }
    String file = this + ", shard " + shard.name();
    byte[] prefix = range(shard, 0, (int) Math.min(SafetensorsHeader.PREFIX_BYTES, shard.bytes()));
    int length = SafetensorsHeader.jsonBytes(file, prefix, shard.bytes());
    byte[] json = range(shard, SafetensorsHeader.PREFIX_BYTES, length);
    SafetensorsHeader header = SafetensorsHeader.parse(file, json, shard.bytes());
    headers.put(shard.name(), header);
    return header;
  }

  private byte[] range(CheckpointView.Shard shard, long first, int length) throws IOException {
    if (length == 0) {
      return new byte[0];
    }
    long last = first + length - 1;
    HttpRequest request =
        http.request(path + "/shards/" + shard.name())
            .header("Range", "bytes=" + first + "-" + last)
            .GET()
            .build();
    String expected = "bytes " + first + "-" + last + "/";
    return http.send(request, reply -> verify(reply, expected, length)).body();
  }

  private static void verify(HttpResponse<byte[]> reply, String expected, int length)
      throws DamagedReplyException {
    Optional<String> range = reply.headers().firstValue("Content-Range");
    if (reply.statusCode() != PARTIAL_CONTENT
        || !range.map(given -> given.startsWith(expected)).orElse(false)) {
      throw new DamagedReplyException(
          "asked for %s, got status %d with range %s"
              .formatted(expected, reply.statusCode(), range.orElse("none")));
    }
    byte[] body = reply.body();
    if (body.length != length) {
      throw new DamagedReplyException("asked for %d bytes, got %d".formatted(length, body.length));
    }
    Optional<String> checksum = reply.headers().firstValue(Checksum.HEADER);
    if (checksum.isPresent() && !checksum.get().equals(Checksum.crc32c(body))) {
      throw new DamagedReplyException("%s: bytes and checksum do not match".formatted(expected));
    }
  }
}
