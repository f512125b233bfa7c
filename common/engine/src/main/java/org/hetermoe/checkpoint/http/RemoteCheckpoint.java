package org.hetermoe.checkpoint.http;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import org.hetermoe.api.CheckpointView;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.checkpoint.CheckpointReader;
import org.hetermoe.weights.SafetensorsHeader;
import org.hetermoe.weights.StoredType;
import org.hetermoe.weights.TensorInfo;

/** A complete checkpoint whose tensors are read from the coordinator one by one, in ranges. */
final class RemoteCheckpoint implements CheckpointReader {
  /** Bytes of one range: few requests, and a bounded reply. */
  static final int RANGE_BYTES = 8 << 20;

  private final CoordinatorClient coordinator;
  private final CheckpointView view;
  private final Map<String, CheckpointView.Shard> shardOfTensor = new HashMap<>();
  private final Map<String, SafetensorsHeader> headers = new HashMap<>();

  RemoteCheckpoint(CoordinatorClient coordinator, CheckpointView view) {
    this.coordinator = coordinator;
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
    return HttpCheckpointStore.request(
        "shard %s of %s cannot be read".formatted(shard.name(), this),
        () -> coordinator.readShard(view.run(), view.step(), shard.name(), first, length));
  }
}
