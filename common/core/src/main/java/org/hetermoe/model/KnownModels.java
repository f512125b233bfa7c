package org.hetermoe.model;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Models that are known by name: the five of the paper (§6.1; where it is silent, Mixtral's
 * proportions), and three that are public.
 */
public final class KnownModels {
  private static final int VOCABULARY = 32_000;
  private static final int HEAD_DIM = 128;
  private static final int QUERIES_PER_KEY = 4;

  private static final Map<String, ModelShape> BY_NAME = new LinkedHashMap<>();

  static {
    mixtral("mixtral-w1", 4, 2048, 12);
    mixtral("mixtral-w2", 4, 2048, 24);
    mixtral("mixtral-d1", 8, 1024, 24);
    mixtral("mixtral-d2", 6, 1024, 18);
    mixtral("mixtral-d3", 8, 1024, 40);
    // config.json of mistralai/Mixtral-8x7B-v0.1
    add(new ModelShape("mixtral-8x7b", 32_000, 4096, 32, 32, 8, 128, 8, 2, 14_336, 0, 0, 0, false));
    // config.json of deepseek-ai/DeepSeek-V2-Lite: 27 layers, the first dense; 2 shared experts of
    // 1408. Its latent attention counts as plain attention with 16 heads of 192 for queries and
    // keys, 128 for values: 160 on average.
    add(
        new ModelShape(
            "deepseek-v2-lite",
            102_400,
            2048,
            26,
            16,
            16,
            160,
            64,
            6,
            1408,
            2816,
            1,
            10_944,
            false));
    // config.json of Qwen/Qwen3-30B-A3B
    add(
        new ModelShape(
            "qwen3-30b-a3b", 151_936, 2048, 48, 32, 4, 128, 128, 8, 768, 0, 0, 0, false));
  }

  private KnownModels() {}

  /** All of them, by name. */
  public static Map<String, ModelShape> all() {
    return Map.copyOf(BY_NAME);
  }

  /**
   * The model with that name.
   *
   * @throws InvalidFieldException if there is none
   */
  public static ModelShape of(String name) {
    ModelShape model = BY_NAME.get(name);
    if (model == null) {
      throw new InvalidFieldException(
          "model",
          "there is no model and no file '"
              + name
              + "'; known are "
              + String.join(", ", BY_NAME.keySet()));
    }
    return model;
  }

  private static void mixtral(String name, int layers, int hidden, int experts) {
    int heads = hidden / HEAD_DIM;
    add(
        new ModelShape(
            name,
            VOCABULARY,
            hidden,
            layers,
            heads,
            heads / QUERIES_PER_KEY,
            HEAD_DIM,
            experts,
            2,
            hidden * 7 / 2,
            0,
            0,
            0,
            false));
  }

  private static void add(ModelShape model) {
    BY_NAME.put(model.name(), model);
  }
}
