package org.hetermoe.model;

import java.util.LinkedHashMap;
import java.util.Map;
import org.hetermoe.tensor.Shape;

/**
 * The names and shapes of all parameters, as Hugging Face's Mixtral checkpoints have them. The
 * order in which {@link #all} lists them is the canonical order: sums over parameters are taken in
 * it.
 */
public final class ParameterNames {
  /** Embedding table [V,H]. */
  public static final String EMBEDDING = "model.embed_tokens.weight";

  /** Final norm [H]. */
  public static final String FINAL_NORM = "model.norm.weight";

  /** Head [V,H]; absent if embeddings are tied. */
  public static final String HEAD = "lm_head.weight";

  private ParameterNames() {}

  /** The prefix of a layer's parameters. */
  public static String layer(int layer) {
    return "model.layers." + layer + ".";
  }

  /** Norm before attention [H]. */
  public static String attentionNorm(int layer) {
    return layer(layer) + "input_layernorm.weight";
  }

  /** Query projection [heads*headDim, H]. */
  public static String query(int layer) {
    return layer(layer) + "self_attn.q_proj.weight";
  }

  /** Key projection [kvHeads*headDim, H]. */
  public static String key(int layer) {
    return layer(layer) + "self_attn.k_proj.weight";
  }

  /** Value projection [kvHeads*headDim, H]. */
  public static String value(int layer) {
    return layer(layer) + "self_attn.v_proj.weight";
  }

  /** Output projection [H, heads*headDim]. */
  public static String output(int layer) {
    return layer(layer) + "self_attn.o_proj.weight";
  }

  /** Norm before the router and the experts [H]. */
  public static String expertNorm(int layer) {
    return layer(layer) + "post_attention_layernorm.weight";
  }

  /** Router [E,H]. */
  public static String router(int layer) {
    return layer(layer) + "block_sparse_moe.gate.weight";
  }

  /** The prefix of one expert's parameters. */
  public static String expert(int layer, int expert) {
    return layer(layer) + "block_sparse_moe.experts." + expert + ".";
  }

  /** Gate projection of an expert [F,H]. */
  public static String expertGate(int layer, int expert) {
    return expert(layer, expert) + "w1.weight";
  }

  /** Down projection of an expert [H,F]. */
  public static String expertDown(int layer, int expert) {
    return expert(layer, expert) + "w2.weight";
  }

  /** Up projection of an expert [F,H]. */
  public static String expertUp(int layer, int expert) {
    return expert(layer, expert) + "w3.weight";
  }

  /** What an attention worker holds, in canonical order. */
  public static Map<String, Shape> attention(ModelConfig model) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    int hidden = model.hidden();
    shapes.put(EMBEDDING, Shape.of(model.vocabulary(), hidden));
    for (int layer = 0; layer < model.layers(); layer++) {
      shapes.put(attentionNorm(layer), Shape.of(hidden));
      shapes.put(query(layer), Shape.of(model.queryWidth(), hidden));
      shapes.put(key(layer), Shape.of(model.kvWidth(), hidden));
      shapes.put(value(layer), Shape.of(model.kvWidth(), hidden));
      shapes.put(output(layer), Shape.of(hidden, model.queryWidth()));
      shapes.put(expertNorm(layer), Shape.of(hidden));
      shapes.put(router(layer), Shape.of(model.experts(), hidden));
    }
    shapes.put(FINAL_NORM, Shape.of(hidden));
    if (!model.tiedEmbeddings()) {
      shapes.put(HEAD, Shape.of(model.vocabulary(), hidden));
    }
    return shapes;
  }

  /** The three weights of one expert, in canonical order. */
  public static Map<String, Shape> expert(ModelConfig model, int layer, int expert) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    shapes.put(expertGate(layer, expert), Shape.of(model.expertWidth(), model.hidden()));
    shapes.put(expertDown(layer, expert), Shape.of(model.hidden(), model.expertWidth()));
    shapes.put(expertUp(layer, expert), Shape.of(model.expertWidth(), model.hidden()));
    return shapes;
  }

  /**
   * All parameters in canonical order: the attention side's, then expert by expert, layer by layer.
   */
  public static Map<String, Shape> all(ModelConfig model) {
    Map<String, Shape> shapes = new LinkedHashMap<>(attention(model));
    for (int layer = 0; layer < model.layers(); layer++) {
      for (int expert = 0; expert < model.experts(); expert++) {
        shapes.putAll(expert(model, layer, expert));
      }
    }
    return shapes;
  }
}
