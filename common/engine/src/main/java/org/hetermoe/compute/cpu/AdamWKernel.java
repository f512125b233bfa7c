package org.hetermoe.compute.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.hetermoe.compute.AdamWStep;

/** One AdamW update; its scalars are rounded once, before the first tile. */
final class AdamWKernel {
  private final float gradientScale;
  private final float beta1;
  private final float oneMinusBeta1;
  private final float beta2;
  private final float oneMinusBeta2;
  private final float keep;
  private final float stepSize;
  private final float inverseRootCorrection2;
  private final float epsilon;

  AdamWKernel(AdamWStep step) {
    gradientScale = (float) step.gradientScale();
    beta1 = (float) step.beta1();
    oneMinusBeta1 = (float) (1 - step.beta1());
    beta2 = (float) step.beta2();
    oneMinusBeta2 = (float) (1 - step.beta2());
    keep = (float) (1 - step.learningRate() * step.weightDecay());
    stepSize = (float) (step.learningRate() / step.biasCorrection1());
    inverseRootCorrection2 = (float) (1 / StrictMath.sqrt(step.biasCorrection2()));
    epsilon = (float) step.epsilon();
  }

  void run(long parameter, long gradient, long m, long v, int count) {
    FloatVector zero = Lanes.broadcast(0f);
    int whole = Lanes.whole(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      long at = 4L * i;
      FloatVector g = Lanes.load(gradient + at).mul(gradientScale);
      FloatVector m1 = first(g, Lanes.load(m + at));
      FloatVector v1 = second(g, Lanes.load(v + at));
      Lanes.store(updated(Lanes.load(parameter + at), m1, v1), parameter + at);
      Lanes.store(m1, m + at);
      Lanes.store(v1, v + at);
      Lanes.store(zero, gradient + at);
    }
    if (whole < count) {
      long at = 4L * whole;
      VectorMask<Float> mask = Lanes.first(count - whole);
      FloatVector g = Lanes.load(gradient + at, mask).mul(gradientScale);
      FloatVector m1 = first(g, Lanes.load(m + at, mask));
      FloatVector v1 = second(g, Lanes.load(v + at, mask));
      Lanes.store(updated(Lanes.load(parameter + at, mask), m1, v1), parameter + at, mask);
      Lanes.store(m1, m + at, mask);
      Lanes.store(v1, v + at, mask);
      Lanes.store(zero, gradient + at, mask);
    }
  }

  private FloatVector first(FloatVector g, FloatVector m) {
    return m.mul(beta1).add(g.mul(oneMinusBeta1));
  }

  private FloatVector second(FloatVector g, FloatVector v) {
    return v.mul(beta2).add(g.mul(g).mul(oneMinusBeta2));
  }

  private FloatVector updated(FloatVector p, FloatVector m, FloatVector v) {
    FloatVector denominator = v.sqrt().mul(inverseRootCorrection2).add(epsilon);
    return p.mul(keep).sub(m.mul(stepSize).div(denominator));
  }
}
