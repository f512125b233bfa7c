package org.hetermoe.nn;

import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Holder;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.model.ParameterNames;
import org.hetermoe.tensor.DType;

/** The two ends of the model: the embedding, and final norm, head and loss. */
public final class LanguageHead {
  private final Compute compute;
  private final ModelConfig model;
  private final DType type;
  private final Parameter embedding;
  private final Parameter finalNorm;
  private final Parameter head;

  /** The ends over their parameters. */
  public LanguageHead(Compute compute, ModelConfig model, ParameterSet parameters) {
    this.compute = compute;
    this.model = model;
    type = parameters.type();
    embedding = parameters.get(ParameterNames.EMBEDDING);
    finalNorm = parameters.get(ParameterNames.FINAL_NORM);
    head = model.tiedEmbeddings() ? embedding : parameters.get(ParameterNames.HEAD);
  }

  /**
   * What the forward leaves.
   *
   * @param input output of the last layer, [T,H]
   * @param logits [T,V]
   * @param losses cross entropy per token in nats, 0 where the target is ignored, [T]
   */
  public record Activations(
      Workspace workspace,
      Tensor input,
      Tensor normed,
      Tensor inverseRms,
      Tensor logits,
      Tensor logSumExp,
      Tensor losses)
      implements AutoCloseable {
    @Override
    public void close() {
      workspace.close();
    }
  }

  /** {@code y[t] = table[ids[t]]}. */
  public void embed(Tensor ids, Tensor y) {
    compute.embed(embedding.value(), ids, y);
  }

  /** Adds to the table's gradient. */
  public void embedBackward(Tensor ids, Tensor dy) {
    compute.embedBackward(ids, dy, embedding.gradient());
  }

  /**
   * Logits and losses; takes over {@code input} [T,H].
   *
   * @param targets I32[T]; negative is ignored
   */
  public Activations forward(Tensor input, Tensor targets) {
    int tokens = input.shape().rows();
    Workspace w = new Workspace(compute, Holder.ACTIVATIONS);
    Activations a =
        new Activations(
            w,
            w.own(input),
            w.tensor(type, tokens, model.hidden()),
            w.f32(tokens),
            w.tensor(type, tokens, model.vocabulary()),
            w.f32(tokens),
            w.f32(tokens));
    compute.rmsNorm(input, finalNorm.value(), (float) model.normEpsilon(), a.normed, a.inverseRms);
    compute.linear(a.normed, head.value(), a.logits);
    compute.crossEntropy(a.logits, targets, a.losses, a.logSumExp);
    return a;
  }

  /**
   * Gradient of {@code scale} times the sum of losses; overwrites the logits.
   *
   * @param dInput out, [T,H]
   */
  public void backward(Activations a, Tensor targets, float scale, Tensor dInput) {
    Tensor dLogits = a.logits;
    compute.crossEntropyBackward(a.logits, targets, a.logSumExp, scale, dLogits);
    try (Workspace w = new Workspace(compute)) {
      Tensor dNormed = w.tensor(type, a.input.shape().rows(), model.hidden());
      compute.linearBackwardInput(dLogits, head.value(), dNormed, false);
      compute.linearBackwardWeight(dLogits, a.normed, head.gradient());
      compute.fill(dInput, 0f);
      compute.rmsNormBackward(
          a.input, finalNorm.value(), a.inverseRms, dNormed, dInput, finalNorm.gradient());
    }
  }
}
