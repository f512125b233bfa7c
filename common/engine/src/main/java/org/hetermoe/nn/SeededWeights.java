package org.hetermoe.nn;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.tensor.Shape;

/**
 * Initial weights that follow from a seed and a parameter's name alone, so that they are the same
 * whoever holds the parameter: norms 1, everything else normal with the model's initializer range.
 */
public final class SeededWeights implements WeightSource {
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private final long seed;
  private final double range;

  /** Weights of {@code model} from {@code seed}. */
  public SeededWeights(ModelConfig model, long seed) {
    this.seed = seed;
    this.range = model.initializerRange();
  }

  @Override
  public void weight(String name, Shape shape, MemorySegment target) {
    long elements = shape.elements();
    if (shape.rank() == 1) {
      for (long i = 0; i < elements; i++) {
        target.setAtIndex(ValueLayout.JAVA_FLOAT, i, 1f);
      }
      return;
    }
    long state = seed;
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      state = mix(state + GOLDEN_GAMMA + b);
    }
    // Box-Muller on SplitMix64, with StrictMath: the same numbers on every machine.
    for (long i = 0; i < elements; i += 2) {
      double u = uniform(mix(state += GOLDEN_GAMMA));
      double angle = 2 * StrictMath.PI * uniform(mix(state += GOLDEN_GAMMA));
      double radius = range * StrictMath.sqrt(-2 * StrictMath.log(u));
      target.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (radius * StrictMath.cos(angle)));
      if (i + 1 < elements) {
        target.setAtIndex(ValueLayout.JAVA_FLOAT, i + 1, (float) (radius * StrictMath.sin(angle)));
      }
    }
  }

  /** In (0, 1]. */
  private static double uniform(long bits) {
    return ((bits >>> 11) + 1) * 0x1.0p-53;
  }

  private static long mix(long z) {
    long mixed = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
    return mixed ^ (mixed >>> 31);
  }
}
