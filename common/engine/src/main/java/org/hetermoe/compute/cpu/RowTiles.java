package org.hetermoe.compute.cpu;

import org.hetermoe.compute.Groups;

/**
 * The rows of groups, cut into tiles. A group is cut by its own size alone, counted from its own
 * first row, so its products do not depend on its neighbours.
 */
final class RowTiles {
  private final int[] groups;
  private final int[] starts;
  private final int[] sizes;

  private RowTiles(int count) {
    groups = new int[count];
    starts = new int[count];
    sizes = new int[count];
  }

  /** Cuts every group into tiles of at most {@code maxRows} rows. */
  static RowTiles of(Groups groups, int maxRows) {
    int count = 0;
    for (int g = 0; g < groups.count(); g++) {
      count += tiles(groups.size(g), maxRows);
    }
    RowTiles tiles = new RowTiles(count);
    int next = 0;
    for (int g = 0; g < groups.count(); g++) {
      int size = size(groups.size(g), maxRows);
      for (int row = groups.start(g); row < groups.end(g); row += size) {
        tiles.groups[next] = g;
        tiles.starts[next] = row;
        tiles.sizes[next] = Math.min(size, groups.end(g) - row);
        next++;
      }
    }
    return tiles;
  }

  /** Number of tiles that {@code rows} rows are cut into. */
  static int tiles(int rows, int maxRows) {
    return rows == 0 ? 0 : Math.ceilDiv(rows, size(rows, maxRows));
  }

  /** Rows of each tile but the last: an even share, in steps of 8. */
  static int size(int rows, int maxRows) {
    int tiles = Math.max(1, Math.ceilDiv(rows, maxRows));
    return Math.ceilDiv(Math.ceilDiv(rows, tiles), 8) * 8;
  }

  int count() {
    return groups.length;
  }

  int group(int tile) {
    return groups[tile];
  }

  int start(int tile) {
    return starts[tile];
  }

  int rows(int tile) {
    return sizes[tile];
  }
}
