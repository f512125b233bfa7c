package org.hetermoe.train;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.hetermoe.checkpoint.CheckpointReader;
import org.hetermoe.checkpoint.Shard;
import org.hetermoe.optim.LossScaler;
import org.hetermoe.tensor.Shape;

/**
 * The state of the loss scale as a tensor of a checkpoint: scale, good steps, skipped steps. All
 * are numbers that single precision holds exactly.
 */
final class StoredLossScale {
  /** Name of the tensor. */
  static final String NAME = "training.loss_scale";

  private static final Shape SHAPE = Shape.of(3);

  private StoredLossScale() {}

  /** The entry of a shard. */
  static Shard.Entry entry(LossScaler.State state, Arena arena) {
    MemorySegment data =
        arena.allocateFrom(
            ValueLayout.JAVA_FLOAT, (float) state.scale(), state.goodSteps(), state.skippedSteps());
    return new Shard.Entry(SHAPE, data);
  }

  /**
   * The state in a checkpoint.
   *
   * @throws IOException if it is not there, or cannot be reached
   */
  static LossScaler.State read(CheckpointReader checkpoint) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocate(ValueLayout.JAVA_FLOAT, SHAPE.elements());
      checkpoint.read(NAME, data);
      return new LossScaler.State(
          data.getAtIndex(ValueLayout.JAVA_FLOAT, 0),
          (int) data.getAtIndex(ValueLayout.JAVA_FLOAT, 1),
          (int) data.getAtIndex(ValueLayout.JAVA_FLOAT, 2));
    }
  }
}
