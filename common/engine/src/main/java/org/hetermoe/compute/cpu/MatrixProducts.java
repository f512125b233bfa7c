package org.hetermoe.compute.cpu;

import org.hetermoe.compute.Groups;

/**
 * The three products of a linear layer, over groups of rows. Every tile is one call of oneDNN; the
 * sum over the inner extent is never cut, so a product is what that one call makes of it.
 */
final class MatrixProducts {
  /**
   * Rows of a tile of y at most. oneDNN packs the transposed weight anew for every tile of rows, so
   * these are tall; the tiles for several threads come from cutting the columns.
   */
  private static final int FORWARD_ROWS = 256;

  /** Rows of a tile of dx or dw at most; here packing costs less. */
  private static final int BACKWARD_ROWS = 128;

  /** Columns of any tile at most. */
  private static final int MAX_COLUMNS = 256;

  private final TileRunner runner;

  MatrixProducts(TileRunner runner) {
    this.runner = runner;
  }

  /** y[A,O] = x[A,I] w[O,I]^T. */
  void forward(long x, Groups groups, long[] w, long y, int in, int out) {
    RowTiles rows = RowTiles.of(groups, FORWARD_ROWS);
    int columnTiles = Math.ceilDiv(out, MAX_COLUMNS);
    runner.run(
        rows.count() * columnTiles,
        (tile, scratch) -> {
          int r = tile / columnTiles;
          int column = tile % columnTiles * MAX_COLUMNS;
          OneDnn.sgemm(
              false,
              true,
              rows.rows(r),
              Math.min(MAX_COLUMNS, out - column),
              in,
              1f,
              at(x, rows.start(r), in, 0),
              in,
              at(w[rows.group(r)], column, in, 0),
              in,
              0f,
              at(y, rows.start(r), out, column),
              out);
        });
  }

  /** dx[A,I] = dy[A,O] w[O,I], or +=. */
  void backwardInput(
      long dy, Groups groups, long[] w, long dx, boolean accumulate, int in, int out) {
    RowTiles rows = RowTiles.of(groups, BACKWARD_ROWS);
    int columnTiles = Math.ceilDiv(in, MAX_COLUMNS);
    runner.run(
        rows.count() * columnTiles,
        (tile, scratch) -> {
          int r = tile / columnTiles;
          int column = tile % columnTiles * MAX_COLUMNS;
          OneDnn.sgemm(
              false,
              false,
              rows.rows(r),
              Math.min(MAX_COLUMNS, in - column),
              out,
              1f,
              at(dy, rows.start(r), out, 0),
              out,
              at(w[rows.group(r)], 0, in, column),
              in,
              accumulate ? 1f : 0f,
              at(dx, rows.start(r), in, column),
              in);
        });
  }

  /** dw[O,I] += dy[A,O]^T x[A,I]. */
  void backwardWeight(long dy, long x, Groups groups, long[] dw, int in, int out) {
    int rowTiles = RowTiles.tiles(out, BACKWARD_ROWS);
    int tileRows = RowTiles.size(out, BACKWARD_ROWS);
    int columnTiles = Math.ceilDiv(in, MAX_COLUMNS);
    runner.run(
        groups.count() * rowTiles * columnTiles,
        (tile, scratch) -> {
          int g = tile / (rowTiles * columnTiles);
          int row = tile / columnTiles % rowTiles * tileRows;
          int column = tile % columnTiles * MAX_COLUMNS;
          if (groups.size(g) == 0) {
            return;
          }
          OneDnn.sgemm(
              true,
              false,
              Math.min(tileRows, out - row),
              Math.min(MAX_COLUMNS, in - column),
              groups.size(g),
              1f,
              at(dy, groups.start(g), out, row),
              out,
              at(x, groups.start(g), in, column),
              in,
              1f,
              at(dw[g], row, in, column),
              in);
        });
  }

  private static long at(long base, long row, long columns, long column) {
    return base + (row * columns + column) * Float.BYTES;
  }
}
