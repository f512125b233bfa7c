package org.hetermoe.model;

/**
 * Sizes and constants of a Mixture-of-Experts transformer. Sizes are bounded, far above models that
 * are trained today, because a plan has an entry for each expert of each layer.
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

  private static final int MOST_LAYERS = 1 << 10;
  private static final int MOST_EXPERTS = 1 << 12;

  /** Of all layers together. */
  private static final int MOST_EXPERTS_IN_ALL = 1 << 17;

  public ModelConfig {
    between("vocabulary", vocabulary, 2, 1 << 24);
    between("hidden", hidden, 1, 1 << 18);
    between("layers", layers, 1, MOST_LAYERS);
    between("heads", heads, 1, 1 << 13);
    between("kv_heads", kvHeads, 1, 1 << 13);
    between("head_dim", headDim, 2, 1 << 13);
    between("experts", experts, 1, MOST_EXPERTS);
    between("top_k", topK, 1, MOST_EXPERTS);
    between("expert_width", expertWidth, 1, 1 << 22);
    check(
        (long) layers * experts <= MOST_EXPERTS_IN_ALL,
        "experts",
        "must be at most %d with %d layers, %d experts in all, is %d: use fewer experts or fewer layers"
            .formatted(MOST_EXPERTS_IN_ALL / layers, layers, MOST_EXPERTS_IN_ALL, experts));
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

  private static void between(String field, int value, int least, int most) {
    check(value >= least, field, "must be at least " + least + ", is " + value);
    check(value <= most, field, "must be at most " + most + ", is " + value);
  }

  private static void check(boolean valid, String field, String problem) {
    if (!valid) {
      throw new InvalidFieldException("model." + field, problem);
    }
  }
}
