package org.hetermoe.compute.reference;

/** RMSNorm and rotary position embedding. */
final class Norms {
  private Norms() {}

  static void forward(Floats x, Floats weight, float epsilon, Floats y, Floats inverseRms) {
    for (int t = 0; t < x.rows(); t++) {
      double squares = 0;
      for (int i = 0; i < x.columns(); i++) {
        squares += x.get(t, i) * x.get(t, i);
      }
      double inverse = 1 / StrictMath.sqrt(squares / x.columns() + epsilon);
      inverseRms.set(t, inverse);
      for (int i = 0; i < x.columns(); i++) {
        y.set(t, i, x.get(t, i) * inverse * weight.get(i));
      }
    }
  }

  static void backward(
      Floats x, Floats weight, Floats inverseRms, Floats dy, Floats dx, Floats dWeight) {
    double[] sums = new double[x.columns()];
    for (int t = 0; t < x.rows(); t++) {
      double inverse = inverseRms.get(t);
      double dot = 0;
      for (int i = 0; i < x.columns(); i++) {
        dot += dy.get(t, i) * weight.get(i) * x.get(t, i);
        sums[i] += dy.get(t, i) * x.get(t, i) * inverse;
      }
      double pull = dot * inverse * inverse * inverse / x.columns();
      for (int i = 0; i < x.columns(); i++) {
        dx.add(t, i, dy.get(t, i) * weight.get(i) * inverse - x.get(t, i) * pull);
      }
    }
    for (int i = 0; i < x.columns(); i++) {
      dWeight.set(i, dWeight.get(i) + sums[i]);
    }
  }

  /** Turns the pairs by the angle (direction 1) or back (direction -1). */
  static void rotate(Floats x, Floats cos, Floats sin, int headDim, int direction) {
    int half = headDim / 2;
    for (int t = 0; t < x.rows(); t++) {
      int position = t % cos.rows();
      for (int head = 0; head < x.columns(); head += headDim) {
        for (int i = 0; i < half; i++) {
          double a = x.get(t, head + i);
          double b = x.get(t, head + half + i);
          double c = cos.get(position, i);
          double s = direction * sin.get(position, i);
          x.set(t, head + i, a * c - b * s);
          x.set(t, head + half + i, b * c + a * s);
        }
      }
    }
  }
}
