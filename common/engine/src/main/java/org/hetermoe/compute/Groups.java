package org.hetermoe.compute;

import java.util.Arrays;

/**
 * Cuts the rows of a tensor into consecutive groups, one per expert: group {@code g} holds rows
 * {@code start(g)} (inclusive) to {@code end(g)} (exclusive). Groups may be empty.
 */
public final class Groups {
  private final int[] starts;

  private Groups(int[] starts) {
    this.starts = starts;
  }

  /** Groups with the given numbers of rows. */
  public static Groups ofSizes(int... sizes) {
    int[] starts = new int[sizes.length + 1];
    for (int group = 0; group < sizes.length; group++) {
      if (sizes[group] < 0) {
        throw new IllegalArgumentException("negative group size in " + Arrays.toString(sizes));
      }
      starts[group + 1] = Math.addExact(starts[group], sizes[group]);
    }
    return new Groups(starts);
  }

  /** Number of groups. */
  public int count() {
    return starts.length - 1;
  }

  /** First row of a group. */
  public int start(int group) {
    return starts[group];
  }

  /** Row after the last one of a group. */
  public int end(int group) {
    return starts[group + 1];
  }

  /** Rows of a group. */
  public int size(int group) {
    return end(group) - start(group);
  }

  /** Rows of all groups. */
  public int rows() {
    return starts[starts.length - 1];
  }

  @Override
  public String toString() {
    return "Groups" + Arrays.toString(starts);
  }
}
