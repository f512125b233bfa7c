package org.hetermoe.model;

/**
 * The sizes of a Mixture-of-Experts transformer that decide what it costs to train: of models that
 * this system trains, and of others that can be planned and simulated.
 *
 * @param name what people call it
 * @param vocabulary number of token ids (V)
 * @param hidden width of the residual stream (H)
 * @param layers layers with experts (L)
 * @param heads query heads
 * @param kvHeads key/value heads
 * @param headDim width of a head
 * @param experts routed experts per layer
 * @param topK routed experts per token
 * @param expertWidth inner width of a routed expert (F)
 * @param sharedWidth inner width of the experts that every token goes to, all together; they belong
 *     to the attention side; 0 for none
 * @param denseLayers layers whose feed-forward part is dense, before those with experts
 * @param denseWidth inner width of a dense layer's feed-forward part; 0 for none
 * @param tiedEmbeddings whether the head uses the embedding table
 */
public record ModelShape(
    String name,
    int vocabulary,
    int hidden,
    int layers,
    int heads,
    int kvHeads,
    int headDim,
    int experts,
    int topK,
    int expertWidth,
    int sharedWidth,
    int denseLayers,
    int denseWidth,
    boolean tiedEmbeddings) {
  public ModelShape {
    atLeast("vocabulary", vocabulary, 1);
    atLeast("hidden", hidden, 1);
    atLeast("layers", layers, 1);
    atLeast("heads", heads, 1);
    atLeast("kv_heads", kvHeads, 1);
    atLeast("head_dim", headDim, 1);
    atLeast("experts", experts, 1);
    atLeast("top_k", topK, 1);
    atLeast("expert_width", expertWidth, 1);
    atLeast("shared_width", sharedWidth, 0);
    atLeast("dense_layers", denseLayers, 0);
    atLeast("dense_width", denseWidth, 0);
    if (topK > experts) {
      throw new InvalidFieldException(
          "model.top_k", "must not exceed experts (" + experts + "), is " + topK);
    }
  }

  private static void atLeast(String field, int value, int least) {
    if (value < least) {
      throw new InvalidFieldException(
          "model." + field, "must be at least " + least + ", is " + value);
    }
  }

  /** The sizes of a model that this system trains. */
  public static ModelShape of(String name, ModelConfig model) {
    return new ModelShape(
        name,
        model.vocabulary(),
        model.hidden(),
        model.layers(),
        model.heads(),
        model.kvHeads(),
        model.headDim(),
        model.experts(),
        model.topK(),
        model.expertWidth(),
        0,
        0,
        0,
        model.tiedEmbeddings());
  }

  /** The same sizes with another number of experts. */
  public ModelShape withExperts(int count) {
    return new ModelShape(
        name,
        vocabulary,
        hidden,
        layers,
        heads,
        kvHeads,
        headDim,
        count,
        topK,
        expertWidth,
        sharedWidth,
        denseLayers,
        denseWidth,
        tiedEmbeddings);
  }

  /**
   * A layer without experts as one whose feed-forward part every token goes to. It has an expert of
   * width 1, since every shape has one, to which nothing is routed.
   */
  public ModelShape denseLayer() {
    return new ModelShape(
        name,
        vocabulary,
        hidden,
        layers,
        heads,
        kvHeads,
        headDim,
        1,
        1,
        1,
        denseWidth,
        0,
        0,
        tiedEmbeddings);
  }

  /** Parameters of one routed expert. */
  public long expertParameters() {
    return 3L * hidden * expertWidth;
  }

  /** Parameters of one layer without its routed experts. */
  public long attentionParameters() {
    long queryWidth = (long) heads * headDim;
    long kvWidth = (long) kvHeads * headDim;
    return 2L * hidden * queryWidth
        + 2L * hidden * kvWidth
        + 2L * hidden
        + (long) hidden * experts
        + 3L * hidden * sharedWidth;
  }

  /** Parameters of the model without its routed experts. */
  public long residentParameters() {
    long dense = attentionParameters() - (long) hidden * experts - 3L * hidden * sharedWidth;
    return (long) vocabulary * hidden * (tiedEmbeddings ? 1 : 2)
        + hidden
        + layers * attentionParameters()
        + denseLayers * (dense + 3L * hidden * denseWidth);
  }

  /** Number of parameters, with all experts. */
  public long parameters() {
    return residentParameters() + (long) layers * experts * expertParameters();
  }
}
