package org.hetermoe.train;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.hetermoe.checkpoint.CheckpointReader;
import org.hetermoe.checkpoint.CheckpointStore;
import org.hetermoe.checkpoint.Shard;

/** Keeps the checkpoints of one run on the heap. Thread-safe. */
final class MemoryCheckpoints implements CheckpointStore {
  private final Map<Integer, Map<String, byte[]>> tensors = new HashMap<>();
  private final Map<Integer, Set<String>> shards = new HashMap<>();

  @Override
  public synchronized void write(UUID run, int attempt, int step, String shard, Shard content)
      throws IOException {
    shards.computeIfAbsent(step, key -> new HashSet<>()).add(shard);
    Map<String, byte[]> stored = tensors.computeIfAbsent(step, key -> new HashMap<>());
    for (Map.Entry<String, Shard.Entry> entry : content.tensors().entrySet()) {
      byte[] bytes = entry.getValue().data().toArray(ValueLayout.JAVA_BYTE);
      if (stored.put(entry.getKey(), bytes) != null) {
        throw new IOException("two shards hold " + entry.getKey());
      }
    }
  }

  /** The checkpoint of one step, alone. */
  synchronized MemoryCheckpoints only(int step) {
    MemoryCheckpoints one = new MemoryCheckpoints();
    one.tensors.put(step, new HashMap<>(tensors.get(step)));
    one.shards.put(step, new HashSet<>(shards.get(step)));
    return one;
  }

  synchronized Set<String> shards(int step) {
    return Set.copyOf(shards.get(step));
  }

  synchronized Set<String> tensors(int step) {
    return Set.copyOf(tensors.get(step).keySet());
  }

  @Override
  public synchronized CheckpointReader open(UUID run, int step) {
    Map<String, byte[]> stored = Map.copyOf(tensors.get(step));
    return new CheckpointReader() {
      @Override
      public void read(String tensor, MemorySegment target) throws IOException {
        byte[] bytes = stored.get(tensor);
        if (bytes == null) {
          throw new IOException("no shard holds " + tensor);
        }
        target.copyFrom(MemorySegment.ofArray(bytes));
      }

      @Override
      public void close() {}
    };
  }
}
