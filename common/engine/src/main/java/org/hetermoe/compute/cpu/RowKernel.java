package org.hetermoe.compute.cpu;

import java.util.List;
import org.hetermoe.compute.Operands;

/**
 * Rows that move: embedding, dispatch and combine. Every index is checked before it is used. Rows
 * may change their type on the way.
 */
final class RowKernel {
  private static final int SOURCE = 0;
  private static final int TARGET = 1;

  private RowKernel() {}

  /** Rows [from, to) of y; scale 0 stands for none. */
  static void gather(
      Elements x,
      int xRows,
      long rows,
      long scale,
      Elements y,
      int columns,
      int from,
      int to,
      Scratch scratch) {
    for (int a = from; a < to; a++) {
      int row = Operands.index(Lanes.getInt(rows + 4L * a), xRows, "row");
      move(x, row, scale, a, y, columns, scratch);
    }
  }

  /** Rows [from, to) of y, each from one of several sources; scale 0 stands for none. */
  static void gather(
      Sources sources, long scale, Elements y, int columns, int from, int to, Scratch scratch) {
    for (int a = from; a < to; a++) {
      Elements source = sources.source(a);
      move(source, sources.row(a), scale, a, y, columns, scratch);
    }
  }

  private static void move(
      Elements x, int row, long scale, int target, Elements y, int columns, Scratch scratch) {
    long first = (long) target * columns;
    if (scale == 0 && x.type() == y.type()) {
      Lanes.copy(x.at((long) row * columns), y.at(first), (long) columns * x.type().bytes());
      return;
    }
    long source = x.read((long) row * columns, columns, scratch, SOURCE);
    if (scale == 0) {
      y.store(source, first, columns);
    } else {
      long at = y.room(first, columns, scratch, TARGET);
      ElementKernel.scale(source, Lanes.get(scale + 4L * target), at, columns);
      y.store(at, first, columns);
    }
  }

  /** All tokens in order, but only {@code width} columns of them, from {@code column}. */
  static void embedBackward(
      long ids,
      Elements dy,
      long dTable,
      int tokens,
      int entries,
      int columns,
      int column,
      int width,
      Scratch scratch) {
    for (int t = 0; t < tokens; t++) {
      int id = Operands.index(Lanes.getInt(ids + 4L * t), entries, "id");
      ElementKernel.add(
          dy.read((long) t * columns + column, width, scratch, SOURCE),
          dTable + 4L * ((long) id * columns + column),
          width);
    }
  }

  /** Rows [from, to) of y; weights 0 stands for none. */
  static void combine(
      Elements residual,
      Sources sources,
      long weights,
      Elements y,
      int columns,
      int from,
      int to,
      Scratch scratch) {
    for (int t = from; t < to; t++) {
      long first = (long) t * columns;
      long target = y.room(first, columns, scratch, TARGET);
      residual.copyTo(first, columns, target);
      for (int s = 0; s < sources.k; s++) {
        long slot = (long) t * sources.k + s;
        long source = sources.read(slot, columns, scratch);
        if (weights == 0) {
          ElementKernel.add(source, target, columns);
        } else {
          ElementKernel.addScaled(source, Lanes.get(weights + 4L * slot), target, columns);
        }
      }
      y.store(target, first, columns);
    }
  }

  static void combineBackwardWeights(
      Elements dy, Sources sources, long dWeights, int columns, int from, int to, Scratch scratch) {
    for (int t = from; t < to; t++) {
      long gradient = dy.read((long) t * columns, columns, scratch, TARGET);
      for (int s = 0; s < sources.k; s++) {
        long slot = (long) t * sources.k + s;
        float dot = ElementKernel.dot(gradient, sources.read(slot, columns, scratch), columns);
        Lanes.put(dWeights + 4L * slot, dot);
      }
    }
  }

  /** Where the K summands of each token lie. */
  static final class Sources {
    private final List<Elements> sources;
    private final int[] rows;
    private final long source;
    private final long row;
    private final int k;

    /**
     * Takes the sources and their row counts, and the addresses of the two index tensors [T, k].
     */
    Sources(List<Elements> sources, int[] rows, long source, long row, int k) {
      this.sources = sources;
      this.rows = rows;
      this.source = source;
      this.row = row;
      this.k = k;
    }

    private int index(long slot) {
      return Operands.index(Lanes.getInt(source + 4L * slot), rows.length, "source");
    }

    private Elements source(long slot) {
      return sources.get(index(slot));
    }

    private int row(long slot) {
      return Operands.index(Lanes.getInt(row + 4L * slot), rows[index(slot)], "row");
    }

    private long read(long slot, int columns, Scratch scratch) {
      return source(slot).read((long) row(slot) * columns, columns, scratch, SOURCE);
    }
  }
}
