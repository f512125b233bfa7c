package org.hetermoe.plan;

/**
 * One piece of computing of a schedule.
 *
 * @param stage attention stage (0 to L) or expert layer (0 to L-1)
 * @param microBatch from 0
 * @param direction forward or backward
 */
public record Task(int stage, int microBatch, Direction direction) {
  /** Which pass. */
  public enum Direction {
    FORWARD,
    BACKWARD
  }
}
