package org.hetermoe.compute.reference;

import java.util.List;
import org.hetermoe.compute.Operands;

/** Rows that move: embedding, dispatch and combine. */
final class Rows {
  private Rows() {}

  static void gather(Floats x, Ints rows, Floats scale, Floats y) {
    for (int a = 0; a < y.rows(); a++) {
      int row = Operands.index(rows.get(a), x.rows(), "row");
      double factor = scale == null ? 1 : scale.get(a);
      for (int i = 0; i < y.columns(); i++) {
        y.set(a, i, x.get(row, i) * factor);
      }
    }
  }

  static void gather(List<Floats> sources, Ints source, Ints rows, Floats scale, Floats y) {
    for (int a = 0; a < y.rows(); a++) {
      Floats from = pick(sources, source, a);
      int row = Operands.index(rows.get(a), from.rows(), "row");
      double factor = scale == null ? 1 : scale.get(a);
      for (int i = 0; i < y.columns(); i++) {
        y.set(a, i, from.get(row, i) * factor);
      }
    }
  }

  static void embedBackward(Ints ids, Floats dy, Floats dTable) {
    for (int t = 0; t < dy.rows(); t++) {
      int id = Operands.index(ids.get(t), dTable.rows(), "id");
      for (int i = 0; i < dy.columns(); i++) {
        dTable.add(id, i, dy.get(t, i));
      }
    }
  }

  static void combine(
      Floats residual,
      List<Floats> sources,
      Ints source,
      Ints row,
      int k,
      Floats weights,
      Floats y) {
    for (int t = 0; t < y.rows(); t++) {
      for (int i = 0; i < y.columns(); i++) {
        double sum = residual.get(t, i);
        for (int s = 0; s < k; s++) {
          long slot = (long) t * k + s;
          Floats from = pick(sources, source, slot);
          double weight = weights == null ? 1 : weights.get(slot);
          sum += weight * from.get(Operands.index(row.get(slot), from.rows(), "row"), i);
        }
        y.set(t, i, sum);
      }
    }
  }

  static void combineBackwardWeights(
      Floats dy, List<Floats> sources, Ints source, Ints row, int k, Floats dWeights) {
    for (int t = 0; t < dy.rows(); t++) {
      for (int s = 0; s < k; s++) {
        long slot = (long) t * k + s;
        Floats from = pick(sources, source, slot);
        int fromRow = Operands.index(row.get(slot), from.rows(), "row");
        double dot = 0;
        for (int i = 0; i < dy.columns(); i++) {
          dot += dy.get(t, i) * from.get(fromRow, i);
        }
        dWeights.set(slot, dot);
      }
    }
  }

  private static Floats pick(List<Floats> sources, Ints source, long slot) {
    return sources.get(Operands.index(source.get(slot), sources.size(), "source"));
  }
}
