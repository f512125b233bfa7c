package org.hetermoe.compute.cpu;

import org.hetermoe.compute.Tensor;

/** Cuts elements and rows into tiles, by shape alone, and runs a kernel on each. */
final class Tiling {
  /** Elements of a tile of element-wise work: 64 KiB of each operand. */
  static final int TILE_ELEMENTS = 16 * 1024;

  /** Rows of a tile at most. */
  private static final int TILE_ROWS = 256;

  private final TileRunner runner;

  Tiling(TileRunner runner) {
    this.runner = runner;
  }

  /** A kernel over {@code count} elements that begin at {@code from}. */
  interface ElementTile {
    void run(long from, int count, Scratch scratch);
  }

  /** A kernel over rows [from, to). */
  interface RowTile {
    void run(int tile, int from, int to, Scratch scratch);
  }

  /** Runs a kernel over all elements of a tensor. */
  void elements(Tensor x, ElementTile kernel) {
    long elements = x.shape().elements();
    runner.run(
        elementTiles(x),
        (tile, scratch) -> {
          long from = (long) tile * TILE_ELEMENTS;
          kernel.run(from, (int) Math.min(TILE_ELEMENTS, elements - from), scratch);
        });
  }

  /** Number of tiles that {@link #elements} cuts a tensor into. */
  static int elementTiles(Tensor x) {
    return Math.toIntExact(Math.ceilDiv(x.shape().elements(), TILE_ELEMENTS));
  }

  /** Runs a kernel over all rows of a tensor. */
  void rows(Tensor x, RowTile kernel) {
    int rows = x.shape().rows();
    int perTile = rowsPerTile(x);
    runner.run(
        rowTiles(x),
        (tile, scratch) ->
            kernel.run(tile, tile * perTile, Math.min(rows, (tile + 1) * perTile), scratch));
  }

  /** Number of tiles that {@link #rows} cuts a tensor into. */
  static int rowTiles(Tensor x) {
    return Math.ceilDiv(x.shape().rows(), rowsPerTile(x));
  }

  private static int rowsPerTile(Tensor x) {
    return Math.clamp(TILE_ELEMENTS / Math.max(1, x.shape().columns()), 1, TILE_ROWS);
  }
}
