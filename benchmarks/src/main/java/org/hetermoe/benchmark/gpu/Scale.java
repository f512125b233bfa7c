package org.hetermoe.benchmark.gpu;

import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import org.hetermoe.model.ModelConfig;

/**
 * Sizes of a run of the benchmark; {@code yardstick.py} has the same.
 *
 * @param name as on the command line
 * @param deviceBytes memory that a device should have for it, with some to spare
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
    String name,
    long deviceBytes,
    ModelConfig model,
    int length,
    int sequences,
    int warmUp,
    int steps,
    List<Integer> attentionLengths,
    int elements,
    int product) {
  private static final long GIB = 1L << 30;

  /** What is worth timing: layers of a larger model's width, sequences up to 64K. */
  static final Scale FULL =
      new Scale(
          "full",
          38 * GIB,
          model(32_000, 2048, 4, 16, 8, 128, 8, 5632),
          4096,
          2,
          3,
          7,
          List.of(4096, 16_384, 65_536),
          64 << 20,
          8192);

  /** For GPUs of 16 GB: one of those layers, and no sequence that takes an old GPU minutes. */
  static final Scale REDUCED =
      new Scale(
          "reduced",
          14 * GIB,
          model(32_000, 2048, 1, 16, 8, 128, 8, 5632),
          4096,
          2,
          3,
          7,
          List.of(4096, 16_384),
          64 << 20,
          8192);

  /** Shows that everything runs; its times say nothing. */
  static final Scale SMALL =
      new Scale("small", 0, model(128, 64, 2, 4, 2, 16, 4, 96), 32, 2, 1, 1, List.of(64), 4096, 64);

  private static final List<Scale> LARGEST_FIRST = List.of(FULL, REDUCED, SMALL);

  /**
   * The scale called so.
   *
   * @throws IllegalArgumentException if there is none
   */
  static Scale named(String name) {
    return LARGEST_FIRST.stream()
        .filter(scale -> scale.name.equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "unknown scale '"
                        + name
                        + "'; known: "
                        + LARGEST_FIRST.stream()
                            .map(Scale::name)
                            .collect(Collectors.joining(", "))));
  }

  /** The largest for a device of so much memory; a device that computes in the host's has all. */
  static Scale fitting(OptionalLong deviceBytes) {
    return LARGEST_FIRST.stream()
        .filter(scale -> scale.deviceBytes <= deviceBytes.orElse(Long.MAX_VALUE))
        .findFirst()
        .orElseThrow();
  }

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
