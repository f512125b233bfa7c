package org.hetermoe.compute.reference;

import org.hetermoe.compute.AdamWStep;

/** Operations on one element at a time. */
final class Elements {
  private Elements() {}

  static void add(Floats source, Floats target) {
    for (long i = 0; i < target.count(); i++) {
      target.set(i, target.get(i) + source.get(i));
    }
  }

  static void swiGlu(Floats gate, Floats up, Floats out) {
    for (long i = 0; i < gate.count(); i++) {
      out.set(i, gate.get(i) * sigmoid(gate.get(i)) * up.get(i));
    }
  }

  static void swiGluBackward(Floats gate, Floats up, Floats dOut, Floats dGate, Floats dUp) {
    for (long i = 0; i < gate.count(); i++) {
      double g = gate.get(i);
      double u = up.get(i);
      double d = dOut.get(i);
      double s = sigmoid(g);
      dGate.set(i, d * u * s * (1 + g * (1 - s)));
      dUp.set(i, d * g * s);
    }
  }

  private static double sigmoid(double x) {
    return 1 / (1 + StrictMath.exp(-x));
  }

  static double sumOfSquares(Floats x) {
    double sum = 0;
    for (long i = 0; i < x.count(); i++) {
      sum += x.get(i) * x.get(i);
    }
    return sum;
  }

  static void adamW(
      Floats master, Floats value, Floats gradient, Floats m, Floats v, AdamWStep step) {
    for (long i = 0; i < master.count(); i++) {
      double g = step.gradientScale() * gradient.get(i);
      double m1 = step.beta1() * m.get(i) + (1 - step.beta1()) * g;
      double v1 = step.beta2() * v.get(i) + (1 - step.beta2()) * g * g;
      double decayed = master.get(i) * (1 - step.learningRate() * step.weightDecay());
      double denominator = StrictMath.sqrt(v1 / step.biasCorrection2()) + step.epsilon();
      master.set(i, decayed - step.learningRate() / step.biasCorrection1() * m1 / denominator);
      value.set(i, master.get(i));
      m.set(i, m1);
      v.set(i, v1);
      gradient.set(i, 0);
    }
  }
}
