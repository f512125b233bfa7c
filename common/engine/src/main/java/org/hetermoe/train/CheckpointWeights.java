package org.hetermoe.train;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.hetermoe.checkpoint.CheckpointReader;
import org.hetermoe.checkpoint.Shard;
import org.hetermoe.nn.WeightSource;
import org.hetermoe.tensor.Shape;

/** Weights and moments from a checkpoint, however its tensors were spread over workers. */
public record CheckpointWeights(CheckpointReader checkpoint) implements WeightSource {
  @Override
  public void weight(String name, Shape shape, MemorySegment target) throws IOException {
    checkpoint.read(name, target);
  }

  @Override
  public boolean moments(String name, Shape shape, MemorySegment m, MemorySegment v)
      throws IOException {
    checkpoint.read(Shard.firstMoment(name), m);
    checkpoint.read(Shard.secondMoment(name), v);
    return true;
  }
}
