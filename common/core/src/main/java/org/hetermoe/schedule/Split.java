package org.hetermoe.schedule;

/**
 * A range of consecutive things: sequences of a micro-batch, say.
 *
 * @param from first one
 * @param count how many; may be 0
 */
public record Split(int from, int count) {
  /**
   * Part {@code index} of {@code total} things cut into {@code parts} consecutive parts whose sizes
   * differ by at most one, the larger ones first.
   */
  public static Split of(int total, int parts, int index) {
    int size = total / parts;
    int larger = total % parts;
    int from = index * size + Math.min(index, larger);
    return new Split(from, size + (index < larger ? 1 : 0));
  }
}
