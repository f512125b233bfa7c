package org.hetermoe.nn;

import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.model.ModelConfig;

/**
 * Cosines and sines of the rotary embedding for positions 0 to length-1, [length, headDim/2] each.
 */
public final class RotaryTable implements AutoCloseable {
  private final Workspace workspace;
  private final Tensor cos;
  private final Tensor sin;

  /** The table of a model for sequences of up to {@code length} tokens. */
  public RotaryTable(Compute compute, ModelConfig model, int length) {
    int half = model.headDim() / 2;
    float[] cosines = new float[length * half];
    float[] sines = new float[length * half];
    for (int position = 0; position < length; position++) {
      for (int pair = 0; pair < half; pair++) {
        double frequency = StrictMath.pow(model.ropeTheta(), -2.0 * pair / model.headDim());
        double angle = position * frequency;
        cosines[position * half + pair] = (float) StrictMath.cos(angle);
        sines[position * half + pair] = (float) StrictMath.sin(angle);
      }
    }
    workspace = new Workspace(compute);
    cos = workspace.floats(cosines, length, half);
    sin = workspace.floats(sines, length, half);
  }

  /** Cosines. */
  public Tensor cos() {
    return cos;
  }

  /** Sines. */
  public Tensor sin() {
    return sin;
  }

  @Override
  public void close() {
    workspace.close();
  }
}
