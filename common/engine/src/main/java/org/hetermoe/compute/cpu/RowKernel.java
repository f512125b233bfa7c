package org.hetermoe.compute.cpu;

import org.hetermoe.compute.Operands;

/** Rows that move: embedding, dispatch and combine. Every index is checked before it is used. */
final class RowKernel {
  private RowKernel() {}

  /** Rows [from, to) of y; scale 0 stands for none. */
  static void gather(
      long x, int xRows, long rows, long scale, long y, int columns, int from, int to) {
    for (int a = from; a < to; a++) {
      int row = Operands.index(Lanes.getInt(rows + 4L * a), xRows, "row");
      long source = x + 4L * row * columns;
      long target = y + 4L * a * columns;
      if (scale == 0) {
        Lanes.copy(source, target, 4L * columns);
      } else {
        ElementKernel.scale(source, Lanes.get(scale + 4L * a), target, columns);
      }
    }
  }

  /** Rows [from, to) of y, each from one of several sources; scale 0 stands for none. */
  static void gather(Sources sources, long scale, long y, int columns, int from, int to) {
    for (int a = from; a < to; a++) {
      long source = sources.address(a, columns);
      long target = y + 4L * a * columns;
      if (scale == 0) {
        Lanes.copy(source, target, 4L * columns);
      } else {
        ElementKernel.scale(source, Lanes.get(scale + 4L * a), target, columns);
      }
    }
  }

  /** All tokens in order, but only {@code width} columns of them, from {@code column}. */
  static void embedBackward(
      long ids, long dy, long dTable, int tokens, int entries, int columns, int column, int width) {
    for (int t = 0; t < tokens; t++) {
      int id = Operands.index(Lanes.getInt(ids + 4L * t), entries, "id");
      ElementKernel.add(
          dy + 4L * ((long) t * columns + column),
          dTable + 4L * ((long) id * columns + column),
          width);
    }
  }

  /** Rows [from, to) of y; weights 0 stands for none. */
  static void combine(
      long residual, Sources sources, long weights, long y, int columns, int from, int to) {
    for (int t = from; t < to; t++) {
      long target = y + 4L * t * columns;
      if (y != residual) {
        Lanes.copy(residual + 4L * t * columns, target, 4L * columns);
      }
      for (int s = 0; s < sources.k; s++) {
        long slot = (long) t * sources.k + s;
        long source = sources.address(slot, columns);
        if (weights == 0) {
          ElementKernel.add(source, target, columns);
        } else {
          ElementKernel.addScaled(source, Lanes.get(weights + 4L * slot), target, columns);
        }
      }
    }
  }

  static void combineBackwardWeights(
      long dy, Sources sources, long dWeights, int columns, int from, int to) {
    for (int t = from; t < to; t++) {
      for (int s = 0; s < sources.k; s++) {
        long slot = (long) t * sources.k + s;
        long source = sources.address(slot, columns);
        float dot = ElementKernel.dot(dy + 4L * t * columns, source, columns);
        Lanes.put(dWeights + 4L * slot, dot);
      }
    }
  }

  /** Where the K summands of each token lie. */
  static final class Sources {
    private final long[] addresses;
    private final int[] rows;
    private final long source;
    private final long row;
    private final int k;

    /**
     * Takes the addresses and row counts of the sources, and the addresses of the two index tensors
     * [T, k].
     */
    Sources(long[] addresses, int[] rows, long source, long row, int k) {
      this.addresses = addresses;
      this.rows = rows;
      this.source = source;
      this.row = row;
      this.k = k;
    }

    private long address(long slot, int columns) {
      int from = Operands.index(Lanes.getInt(source + 4L * slot), addresses.length, "source");
      int fromRow = Operands.index(Lanes.getInt(row + 4L * slot), rows[from], "row");
      return addresses[from] + 4L * fromRow * columns;
    }
  }
}
