package org.hetermoe.schedule;

/**
 * One piece of computing of a schedule.
 *
 * @param work what is computed
 * @param stage attention stage (0 to L) or expert layer (0 to L-1)
 * @param microBatch from 0
 * @param direction forward or backward
 */
public record Task(Work work, int stage, int microBatch, Direction direction) {
  /** The two kinds of computing. */
  public enum Work {
    /** The attention side of a stage: combine, attention, route; or embedding, or head and loss. */
    ATTENTION,
    /** The experts of a layer that the worker owns. */
    EXPERTS
  }

  /** Which pass. */
  public enum Direction {
    FORWARD,
    BACKWARD
  }

  /** An attention task. */
  public static Task attention(int stage, int microBatch, Direction direction) {
    return new Task(Work.ATTENTION, stage, microBatch, direction);
  }

  /** An expert task. */
  public static Task experts(int layer, int microBatch, Direction direction) {
    return new Task(Work.EXPERTS, layer, microBatch, direction);
  }

  /** The same task of a micro-batch that is {@code by} further on. */
  public Task later(int by) {
    return new Task(work, stage, microBatch + by, direction);
  }
}
