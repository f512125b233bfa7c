package org.hetermoe.train.step;

import java.util.Arrays;
import org.hetermoe.schedule.Task.Direction;

/** A piece of device work as the cost model counts it; a task of the schedule has one or two. */
public sealed interface Computation {
  /** Embedding of so many tokens. */
  record Embedding(int tokens, Direction direction) implements Computation {}

  /**
   * One layer's attention side of so many sequences: norm, attention, norm, route.
   *
   * @param again whether a backward computed the forward again, since nothing of it was kept
   */
  record Attention(int layer, int sequences, Direction direction, boolean again)
      implements Computation {}

  /** Final norm, head and loss of so many tokens. */
  record Head(int tokens, Direction direction) implements Computation {}

  /**
   * The experts of one layer.
   *
   * @param rows that each of the rank's experts computed
   * @param again whether a backward computed the forward again, up to the last product
   */
  record Experts(int layer, int[] rows, Direction direction, boolean again)
      implements Computation {}

  /** The optimizer's step over so many parameters. */
  record Optimizer(long parameters) implements Computation {}

  /** Expert rows computed. */
  default long expertRows() {
    return this instanceof Experts experts ? Arrays.stream(experts.rows).asLongStream().sum() : 0;
  }
}
