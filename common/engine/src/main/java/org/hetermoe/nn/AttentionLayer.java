package org.hetermoe.nn;

import org.hetermoe.compute.AttentionShape;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Holder;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.model.ParameterNames;
import org.hetermoe.tensor.DType;

/**
 * The attention part of one layer: norm, attention with its residual, norm, router. What comes
 * after, the experts and their residual, begins with the {@link Activations#normed} rows it leaves.
 *
 * <p>Stateless but for its parameters; everything a backward needs is in {@link Activations}.
 */
public final class AttentionLayer {
  private final Compute compute;
  private final ModelConfig model;
  private final RotaryTable rotary;
  private final DType type;
  private final Parameter attentionNorm;
  private final Parameter query;
  private final Parameter key;
  private final Parameter value;
  private final Parameter output;
  private final Parameter expertNorm;
  private final Parameter router;

  /** Layer number {@code layer} over its parameters. */
  public AttentionLayer(
      Compute compute, ModelConfig model, ParameterSet parameters, RotaryTable rotary, int layer) {
    this.compute = compute;
    this.model = model;
    this.rotary = rotary;
    this.type = parameters.type();
    attentionNorm = parameters.get(ParameterNames.attentionNorm(layer));
    query = parameters.get(ParameterNames.query(layer));
    key = parameters.get(ParameterNames.key(layer));
    value = parameters.get(ParameterNames.value(layer));
    output = parameters.get(ParameterNames.output(layer));
    expertNorm = parameters.get(ParameterNames.expertNorm(layer));
    router = parameters.get(ParameterNames.router(layer));
  }

  /**
   * What one forward leaves for the backward; T tokens, H hidden width, E experts, K per token.
   *
   * @param workspace owns all the tensors, the layer's input included
   * @param input [T,H]
   * @param residual input plus attention, [T,H]
   * @param normed what router and experts see, [T,H]
   * @param logits of the router, [T,E]
   * @param probabilities of the router, [T,E]
   * @param logSumExp of the router's logits, [T]
   * @param experts chosen, I32[T,K]
   * @param weights of the chosen, [T,K]
   */
  public record Activations(
      Workspace workspace,
      AttentionShape shape,
      Tensor input,
      Tensor inputNormed,
      Tensor inputInverseRms,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor attended,
      Tensor attentionLogSumExp,
      Tensor residual,
      Tensor normed,
      Tensor inverseRms,
      Tensor logits,
      Tensor probabilities,
      Tensor logSumExp,
      Tensor experts,
      Tensor weights)
      implements AutoCloseable {
    @Override
    public void close() {
      workspace.close();
    }
  }

  /** Computes up to the routing; takes over {@code input} [T,H]. */
  public Activations forward(Tensor input, AttentionShape shape) {
    int tokens = shape.tokens();
    int hidden = model.hidden();
    Workspace w = new Workspace(compute, Holder.ACTIVATIONS);
    Activations a =
        new Activations(
            w,
            shape,
            w.own(input),
            w.tensor(type, tokens, hidden),
            w.f32(tokens),
            w.tensor(type, tokens, shape.queryWidth()),
            w.tensor(type, tokens, shape.kvWidth()),
            w.tensor(type, tokens, shape.kvWidth()),
            w.tensor(type, tokens, shape.queryWidth()),
            w.f32(tokens, shape.heads()),
            w.tensor(type, tokens, hidden),
            w.tensor(type, tokens, hidden),
            w.f32(tokens),
            w.f32(tokens, model.experts()),
            w.f32(tokens, model.experts()),
            w.f32(tokens),
            w.i32(tokens, model.topK()),
            w.f32(tokens, model.topK()));

    float epsilon = (float) model.normEpsilon();
    compute.rmsNorm(input, attentionNorm.value(), epsilon, a.inputNormed, a.inputInverseRms);
    compute.linear(a.inputNormed, query.value(), a.q);
    compute.linear(a.inputNormed, key.value(), a.k);
    compute.linear(a.inputNormed, value.value(), a.v);
    compute.rope(a.q, rotary.cos(), rotary.sin(), model.headDim());
    compute.rope(a.k, rotary.cos(), rotary.sin(), model.headDim());
    compute.attention(a.q, a.k, a.v, shape, a.attended, a.attentionLogSumExp);
    compute.linear(a.attended, output.value(), a.residual);
    compute.add(input, a.residual);

    compute.rmsNorm(a.residual, expertNorm.value(), epsilon, a.normed, a.inverseRms);
    compute.linear(a.normed, router.value(), a.logits);
    compute.route(a.logits, a.probabilities, a.logSumExp, a.experts, a.weights);
    return a;
  }

  /**
   * The gate branch: the gradient that reaches {@code normed} through the router. It is held back
   * and added to what the experts return, so that the norm sees one backward only (paper §5).
   *
   * @param dWeights gradient of the routing weights, [T,K]
   * @param balance gradient of each expert's probability by the load-balancing loss, [E]
   * @param dNormed out, [T,H]
   */
  public void gateBackward(
      Activations a, Tensor dWeights, Tensor balance, float zScale, Tensor dNormed) {
    try (Workspace w = new Workspace(compute)) {
      Tensor dLogits = w.f32(a.shape.tokens(), model.experts());
      compute.routeBackward(
          a.probabilities, a.logSumExp, a.experts, a.weights, dWeights, balance, zScale, dLogits);
      Tensor stored = stored(dLogits, w);
      compute.linearBackwardWeight(stored, a.normed, router.gradient());
      compute.linearBackwardInput(stored, router.value(), dNormed, false);
    }
  }

  /** The router's gradient, which is in single precision, in the type of its products. */
  private Tensor stored(Tensor dLogits, Workspace w) {
    if (dLogits.dtype() == type) {
      return dLogits;
    }
    Tensor rounded = w.tensor(type, dLogits.shape().toArray());
    compute.convert(dLogits, rounded);
    return rounded;
  }

  /**
   * From the norm before the experts back to the layer's input.
   *
   * @param dNormed gradient of {@code normed}: experts and gate branch together, [T,H]
   * @param d gradient of the layer's output on entry, of its input on return, [T,H]
   */
  public void backward(Activations a, Tensor dNormed, Tensor d) {
    AttentionShape shape = a.shape;
    int tokens = shape.tokens();
    compute.rmsNormBackward(
        a.residual, expertNorm.value(), a.inverseRms, dNormed, d, expertNorm.gradient());
    try (Workspace w = new Workspace(compute)) {
      Tensor dAttended = w.tensor(type, tokens, shape.queryWidth());
      compute.linearBackwardInput(d, output.value(), dAttended, false);
      compute.linearBackwardWeight(d, a.attended, output.gradient());

      Tensor dq = w.tensor(type, tokens, shape.queryWidth());
      Tensor dk = w.tensor(type, tokens, shape.kvWidth());
      Tensor dv = w.tensor(type, tokens, shape.kvWidth());
      compute.attentionBackward(
          a.q, a.k, a.v, a.attended, a.attentionLogSumExp, dAttended, shape, dq, dk, dv);
      compute.ropeBackward(dq, rotary.cos(), rotary.sin(), model.headDim());
      compute.ropeBackward(dk, rotary.cos(), rotary.sin(), model.headDim());

      Tensor dInputNormed = w.tensor(type, tokens, model.hidden());
      compute.linearBackwardInput(dq, query.value(), dInputNormed, false);
      compute.linearBackwardInput(dk, key.value(), dInputNormed, true);
      compute.linearBackwardInput(dv, value.value(), dInputNormed, true);
      compute.linearBackwardWeight(dq, a.inputNormed, query.gradient());
      compute.linearBackwardWeight(dk, a.inputNormed, key.gradient());
      compute.linearBackwardWeight(dv, a.inputNormed, value.gradient());
      compute.rmsNormBackward(
          a.input,
          attentionNorm.value(),
          a.inputInverseRms,
          dInputNormed,
          d,
          attentionNorm.gradient());
    }
  }
}
