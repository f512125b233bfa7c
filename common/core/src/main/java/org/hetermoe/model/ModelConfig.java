package org.hetermoe.model;

/**
 * Sizes and constants of a Mixture-of-Experts transformer.
 *
 * @param vocabulary token ids run from 0 to this, exclusive
 * @param hidden width of the residual stream (H)
 * @param layers number of layers
 * @param heads query heads
 * @param kvHeads key/value heads; divides {@code heads}
 * @param headDim width of a head; even
 * @param experts experts per layer (E)
 * @param topK experts per token (K), at most {@code experts}
 * @param expertWidth inner width of an expert (F)
 * @param ropeTheta base of the rotary embedding's wavelengths
 * @param normEpsilon added to the mean square in RMSNorm
 * @param tiedEmbeddings whether the head uses the embedding table
 * @param balanceCoefficient weight of the load-balancing loss
 * @param zCoefficient weight of the router z-loss
 * @param initializerRange standard deviation of initial weights
 */
public record ModelConfig(
    int vocabulary,
    int hidden,
    int layers,
    int heads,
    int kvHeads,
    int headDim,
    int experts,
    int topK,
    int expertWidth,
    double ropeTheta,
    double normEpsilon,
    boolean tiedEmbeddings,
    double balanceCoefficient,
    double zCoefficient,
    double initializerRange) {

  public ModelConfig {
    atLeast("vocabulary", vocabulary, 2);
    atLeast("hidden", hidden, 1);
    atLeast("layers", layers, 1);
    atLeast("heads", heads, 1);
    atLeast("kv_heads", kvHeads, 1);
    atLeast("head_dim", headDim, 2);
    atLeast("experts", experts, 1);
    atLeast("top_k", topK, 1);
    atLeast("expert_width", expertWidth, 1);
    check(heads % kvHeads == 0, "kv_heads", "must divide heads (" + heads + "), is " + kvHeads);
    check(headDim % 2 == 0, "head_dim", "must be even, because RoPE turns pairs, is " + headDim);
    check(topK <= experts, "top_k", "must not exceed experts (" + experts + "), is " + topK);
    check(ropeTheta > 1, "rope_theta", "must be greater than 1, is " + ropeTheta);
    check(
        normEpsilon > 0 && normEpsilon < 1,
        "norm_epsilon",
        "must lie between 0 and 1, is " + normEpsilon);
    check(
        balanceCoefficient >= 0 && Double.isFinite(balanceCoefficient),
        "balance_coefficient",
        "must be 0 or more, is " + balanceCoefficient);
    check(
        zCoefficient >= 0 && Double.isFinite(zCoefficient),
        "z_coefficient",
        "must be 0 or more, is " + zCoefficient);
    check(
        initializerRange > 0 && Double.isFinite(initializerRange),
        "initializer_range",
        "must be greater than 0, is " + initializerRange);
  }

  /** Columns of a query row. */
  public int queryWidth() {
    return heads * headDim;
  }

  /** Columns of a key or value row. */
  public int kvWidth() {
    return kvHeads * headDim;
  }

  /** Number of parameters, with all experts. */
  public long parameters() {
    long attention = 2L * hidden * queryWidth() + 2L * hidden * kvWidth() + 2L * hidden;
    long router = (long) hidden * experts;
    long expert = 3L * hidden * expertWidth * experts;
    long embeddings = (long) vocabulary * hidden * (tiedEmbeddings ? 1 : 2);
    return embeddings + hidden + layers * (attention + router + expert);
  }

  private static void atLeast(String field, int value, int least) {
    check(value >= least, field, "must be at least " + least + ", is " + value);
  }

  private static void check(boolean valid, String field, String problem) {
    if (!valid) {
      throw new InvalidFieldException("model." + field, problem);
    }
  }
}
