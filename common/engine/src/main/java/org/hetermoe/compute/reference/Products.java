package org.hetermoe.compute.reference;

/** Matrix products over the rows of one group, or of a whole tensor. */
final class Products {
  private Products() {}

  /** y = x w^T over rows [from, to). */
  static void forward(Floats x, Floats w, Floats y, int from, int to) {
    for (int t = from; t < to; t++) {
      for (int o = 0; o < w.rows(); o++) {
        double sum = 0;
        for (int i = 0; i < w.columns(); i++) {
          sum += x.get(t, i) * w.get(o, i);
        }
        y.set(t, o, sum);
      }
    }
  }

  /** dx = dy w, or +=, over rows [from, to). */
  static void backwardInput(Floats dy, Floats w, Floats dx, boolean accumulate, int from, int to) {
    for (int t = from; t < to; t++) {
      for (int i = 0; i < w.columns(); i++) {
        double sum = accumulate ? dx.get(t, i) : 0;
        for (int o = 0; o < w.rows(); o++) {
          sum += dy.get(t, o) * w.get(o, i);
        }
        dx.set(t, i, sum);
      }
    }
  }

  /** dw += dy^T x over rows [from, to). */
  static void backwardWeight(Floats dy, Floats x, Floats dw, int from, int to) {
    for (int o = 0; o < dw.rows(); o++) {
      for (int i = 0; i < dw.columns(); i++) {
        double sum = dw.get(o, i);
        for (int t = from; t < to; t++) {
          sum += dy.get(t, o) * x.get(t, i);
        }
        dw.set(o, i, sum);
      }
    }
  }
}
