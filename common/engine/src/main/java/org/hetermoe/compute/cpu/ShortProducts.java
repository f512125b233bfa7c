package org.hetermoe.compute.cpu;

import java.util.List;
import org.hetermoe.compute.Groups;
import org.hetermoe.tensor.DType;

/**
 * The three products of a linear layer in bf16, over groups of rows. A tile is multiplied into
 * floats and then stored, or added, with one rounding.
 *
 * <p>A {@link Bf16Product} is made for sizes, which takes milliseconds, and the rows of an expert
 * change with every step. So rows are rounded up to whole {@link #ROW_STEP}s, with zeros in a copy
 * of the rows, and sums over rows are cut: a layer then has some tens of different products.
 */
final class ShortProducts {
  /** The first of the scratch operands that a {@link Bf16Product} may use. */
  static final int FREE_SLOT = 3;

  private static final int RESULT = 0;
  private static final int LEFT = 1;
  private static final int RIGHT = 2;

  /** What the rows of a product are a multiple of. */
  private static final int ROW_STEP = 32;

  /** Rows of a tile at most, and rows that one product of backwardWeight sums over. */
  private static final int MAX_ROWS = 256;

  /** Columns of any tile, and rows of a tile of dw, at most. */
  private static final int MAX_COLUMNS = 256;

  private final Bf16Product product;
  private final TileRunner runner;

  ShortProducts(Bf16Product product, TileRunner runner) {
    this.product = product;
    this.runner = runner;
  }

  /** y[A,O] = x[A,I] w[O,I]^T; y is of bf16 or single precision. */
  void forward(Elements x, Groups groups, List<Elements> w, Elements y, int in, int out) {
    RowTiles rows = RowTiles.of(groups, MAX_ROWS);
    int columnTiles = Math.ceilDiv(out, MAX_COLUMNS);
    runner.run(
        rows.count() * columnTiles,
        (tile, scratch) -> {
          int r = tile / columnTiles;
          int column = tile % columnTiles * MAX_COLUMNS;
          int width = Math.min(MAX_COLUMNS, out - column);
          Padded left = Padded.of(x, rows.start(r), rows.rows(r), in, 0, in, scratch, LEFT);
          long result = scratch.operand(RESULT, (long) left.rows * width);
          long weight = w.get(rows.group(r)).at((long) column * in);
          product.multiply(
              false,
              true,
              left.rows,
              width,
              in,
              left.address,
              left.stride,
              weight,
              in,
              result,
              scratch);
          for (int row = 0; row < rows.rows(r); row++) {
            long target = (long) (rows.start(r) + row) * out + column;
            y.store(result + 4L * row * width, target, width);
          }
        });
  }

  /** dx[A,I] = dy[A,O] w[O,I], or +=. */
  void backwardInput(
      Elements dy,
      Groups groups,
      List<Elements> w,
      Elements dx,
      boolean accumulate,
      int in,
      int out) {
    RowTiles rows = RowTiles.of(groups, MAX_ROWS);
    int columnTiles = Math.ceilDiv(in, MAX_COLUMNS);
    runner.run(
        rows.count() * columnTiles,
        (tile, scratch) -> {
          int r = tile / columnTiles;
          int column = tile % columnTiles * MAX_COLUMNS;
          int width = Math.min(MAX_COLUMNS, in - column);
          Padded left = Padded.of(dy, rows.start(r), rows.rows(r), out, 0, out, scratch, LEFT);
          long result = scratch.operand(RESULT, (long) left.rows * width);
          long weight = w.get(rows.group(r)).at(column);
          product.multiply(
              false,
              false,
              left.rows,
              width,
              out,
              left.address,
              left.stride,
              weight,
              in,
              result,
              scratch);
          for (int row = 0; row < rows.rows(r); row++) {
            long target = (long) (rows.start(r) + row) * in + column;
            long sum = result + 4L * row * width;
            if (accumulate) {
              ElementKernel.add(dx.read(target, width, scratch, RIGHT), sum, width);
            }
            dx.store(sum, target, width);
          }
        });
  }

  /** dw[O,I] += dy[A,O]^T x[A,I]; dw is of single precision. */
  void backwardWeight(Elements dy, Elements x, Groups groups, List<Elements> dw, int in, int out) {
    int rowTiles = Math.ceilDiv(out, MAX_COLUMNS);
    int columnTiles = Math.ceilDiv(in, MAX_COLUMNS);
    runner.run(
        groups.count() * rowTiles * columnTiles,
        (tile, scratch) -> {
          int g = tile / (rowTiles * columnTiles);
          int row = tile / columnTiles % rowTiles * MAX_COLUMNS;
          int column = tile % columnTiles * MAX_COLUMNS;
          int height = Math.min(MAX_COLUMNS, out - row);
          int width = Math.min(MAX_COLUMNS, in - column);
          for (int from = groups.start(g); from < groups.end(g); from += MAX_ROWS) {
            int rows = Math.min(MAX_ROWS, groups.end(g) - from);
            Padded left = Padded.of(dy, from, rows, out, row, height, scratch, LEFT);
            Padded right = Padded.of(x, from, rows, in, column, width, scratch, RIGHT);
            long result = scratch.operand(RESULT, (long) height * width);
            product.multiply(
                true,
                false,
                height,
                width,
                left.rows,
                left.address,
                left.stride,
                right.address,
                right.stride,
                result,
                scratch);
            for (int o = 0; o < height; o++) {
              long target = dw.get(g).at((long) (row + o) * in + column);
              ElementKernel.add(result + 4L * o * width, target, width);
            }
          }
        });
  }

  /**
   * Rows of bf16, a multiple of {@link #ROW_STEP} of them.
   *
   * @param address of the first element
   * @param stride elements from one row to the next
   * @param rows with those of zeros
   */
  private record Padded(long address, int stride, int rows) {
    /** {@code width} columns from {@code column} on of {@code rows} rows from {@code from} on. */
    static Padded of(
        Elements x,
        int from,
        int rows,
        int columns,
        int column,
        int width,
        Scratch scratch,
        int slot) {
      long first = x.at((long) from * columns + column);
      if (rows % ROW_STEP == 0) {
        return new Padded(first, columns, rows);
      }
      int padded = Math.ceilDiv(rows, ROW_STEP) * ROW_STEP;
      long bytes = (long) width * DType.BF16.bytes();
      long copy = scratch.operand(slot, Math.ceilDiv(padded * bytes, Float.BYTES));
      for (int row = 0; row < rows; row++) {
        Lanes.copy(first + (long) row * columns * DType.BF16.bytes(), copy + row * bytes, bytes);
      }
      Lanes.clear(copy + rows * bytes, (padded - rows) * bytes);
      return new Padded(copy, width, padded);
    }
  }
}
