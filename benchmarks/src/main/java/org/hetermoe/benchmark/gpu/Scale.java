package org.hetermoe.benchmark.gpu;

import java.util.List;
import org.hetermoe.model.ModelConfig;

/**
 * Sizes of a run of the benchmark.
 *
 * @param model what is trained
 * @param length tokens per sequence of a step
 * @param sequences per step
 * @param warmUp steps before those that count
 * @param steps that count
 * @param attentionLengths at which attention is timed alone
 * @param elements of a tensor of the operations that memory bounds
 * @param product extent of the large square product that others are compared with
 */
record Scale(
    ModelConfig model,
    int length,
    int sequences,
    int warmUp,
    int steps,
    List<Integer> attentionLengths,
    int elements,
    int product) {
  /** What is worth timing: a layer of a larger model's width, sequences up to 64K. */
  static final Scale FULL =
      new Scale(
          model(32_000, 2048, 4, 16, 8, 128, 8, 5632),
          4096,
          2,
          3,
          7,
          List.of(4096, 16_384, 65_536),
          64 << 20,
          8192);

  /** Shows that everything runs; its times say nothing. */
  static final Scale SMALL =
      new Scale(model(128, 64, 2, 4, 2, 16, 4, 96), 32, 2, 1, 1, List.of(64), 4096, 64);

  private static ModelConfig model(
      int vocabulary,
      int hidden,
      int layers,
      int heads,
      int kvHeads,
      int headDim,
      int experts,
      int width) {
    return new ModelConfig(
        vocabulary,
        hidden,
        layers,
        heads,
        kvHeads,
        headDim,
        experts,
        2,
        width,
        10_000,
        1e-5,
        false,
        0.01,
        0,
        0.02);
  }
}
