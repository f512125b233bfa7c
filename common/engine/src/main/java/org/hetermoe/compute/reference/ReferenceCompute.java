package org.hetermoe.compute.reference;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.hetermoe.compute.AdamWStep;
import org.hetermoe.compute.AttentionShape;
import org.hetermoe.compute.Completion;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Groups;
import org.hetermoe.compute.MemoryUse;
import org.hetermoe.compute.Operands;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.host.Conversion;
import org.hetermoe.compute.host.HostMemory;
import org.hetermoe.compute.host.HostTensor;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/** Checks operands and hands them to the plain loops of this package. */
final class ReferenceCompute implements Compute {
  private final HostMemory memory = new HostMemory();

  @Override
  public String description() {
    return "reference (plain Java, 1 thread)";
  }

  @Override
  public Optional<String> refusal(DType type) {
    return Optional.empty();
  }

  @Override
  public MemoryUse memory() {
    return memory.use();
  }

  @Override
  public Tensor allocate(DType dtype, Shape shape) {
    return memory.allocate(dtype, shape);
  }

  @Override
  public Tensor transferTensor(MemorySegment buffer, DType dtype, Shape shape) {
    return memory.map(buffer, dtype, shape);
  }

  @Override
  public Completion upload(MemorySegment source, Tensor target) {
    HostTensor.of(target).write(source);
    return Completion.DONE;
  }

  @Override
  public Completion download(Tensor source, MemorySegment target) {
    HostTensor.of(source).read(target);
    return Completion.DONE;
  }

  @Override
  public void synchronize() {
    memory.requireOpen();
  }

  @Override
  public void fill(Tensor x, float value) {
    Operands.floatingPoint(x, "x");
    Conversion.fill(HostTensor.of(x), value);
  }

  @Override
  public void copy(Tensor source, Tensor target) {
    Operands.copy(source, target);
    HostTensor.of(target).write(HostTensor.of(source).segment());
  }

  @Override
  public void add(Tensor source, Tensor target) {
    Operands.add(source, target);
    Elements.add(Floats.of(source), Floats.of(target));
  }

  @Override
  public void convert(Tensor source, Tensor target) {
    Operands.convert(source, target);
    Conversion.convert(HostTensor.of(source), HostTensor.of(target));
  }

  @Override
  public void linear(Tensor x, Tensor w, Tensor y) {
    Operands.linear(x, w, y);
    Products.forward(Floats.of(x), Floats.of(w), Floats.of(y), 0, x.shape().rows());
  }

  @Override
  public void linearBackwardInput(Tensor dy, Tensor w, Tensor dx, boolean accumulate) {
    Operands.linearBackwardInput(dy, w, dx);
    int rows = dx.shape().rows();
    Products.backwardInput(Floats.of(dy), Floats.of(w), Floats.of(dx), accumulate, 0, rows);
  }

  @Override
  public void linearBackwardWeight(Tensor dy, Tensor x, Tensor dw) {
    Operands.linearBackwardWeight(dy, x, dw);
    Products.backwardWeight(Floats.of(dy), Floats.of(x), Floats.of(dw), 0, x.shape().rows());
  }

  @Override
  public void groupedLinear(Tensor x, Groups groups, List<Tensor> w, Tensor y) {
    Operands.groupedLinear(x, groups, w, y);
    for (int g = 0; g < groups.count(); g++) {
      Products.forward(
          Floats.of(x), Floats.of(w.get(g)), Floats.of(y), groups.start(g), groups.end(g));
    }
  }

  @Override
  public void groupedLinearBackwardInput(
      Tensor dy, Groups groups, List<Tensor> w, Tensor dx, boolean accumulate) {
    Operands.groupedLinearBackwardInput(dy, groups, w, dx);
    for (int g = 0; g < groups.count(); g++) {
      Products.backwardInput(
          Floats.of(dy),
          Floats.of(w.get(g)),
          Floats.of(dx),
          accumulate,
          groups.start(g),
          groups.end(g));
    }
  }

  @Override
  public void groupedLinearBackwardWeight(Tensor dy, Tensor x, Groups groups, List<Tensor> dw) {
    Operands.groupedLinearBackwardWeight(dy, x, groups, dw);
    for (int g = 0; g < groups.count(); g++) {
      Products.backwardWeight(
          Floats.of(dy), Floats.of(x), Floats.of(dw.get(g)), groups.start(g), groups.end(g));
    }
  }

  @Override
  public void embed(Tensor table, Tensor ids, Tensor y) {
    Operands.embed(table, ids, y);
    Rows.gather(Floats.of(table), Ints.of(ids), null, Floats.of(y));
  }

  @Override
  public void embedBackward(Tensor ids, Tensor dy, Tensor dTable) {
    Operands.embedBackward(ids, dy, dTable);
    Rows.embedBackward(Ints.of(ids), Floats.of(dy), Floats.of(dTable));
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, float epsilon, Tensor y, Tensor inverseRms) {
    Operands.norm(x, weight, y, inverseRms);
    Norms.forward(Floats.of(x), Floats.of(weight), epsilon, Floats.of(y), Floats.of(inverseRms));
  }

  @Override
  public void rmsNormBackward(
      Tensor x, Tensor weight, Tensor inverseRms, Tensor dy, Tensor dx, Tensor dWeight) {
    Operands.normBackward(x, weight, inverseRms, dy, dx, dWeight);
    Norms.backward(
        Floats.of(x),
        Floats.of(weight),
        Floats.of(inverseRms),
        Floats.of(dy),
        Floats.of(dx),
        Floats.of(dWeight));
  }

  @Override
  public void rope(Tensor x, Tensor cos, Tensor sin, int headDim) {
    Operands.rope(x, cos, sin, headDim);
    Norms.rotate(Floats.of(x), Floats.of(cos), Floats.of(sin), headDim, 1);
  }

  @Override
  public void ropeBackward(Tensor dx, Tensor cos, Tensor sin, int headDim) {
    Operands.rope(dx, cos, sin, headDim);
    Norms.rotate(Floats.of(dx), Floats.of(cos), Floats.of(sin), headDim, -1);
  }

  @Override
  public void attention(
      Tensor q, Tensor k, Tensor v, AttentionShape shape, Tensor out, Tensor logSumExp) {
    Operands.attention(q, k, v, shape, out, logSumExp);
    new Attention(Floats.of(q), Floats.of(k), Floats.of(v), shape)
        .forward(Floats.of(out), Floats.of(logSumExp));
  }

  @Override
  public void attentionBackward(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor logSumExp,
      Tensor dOut,
      AttentionShape shape,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    Operands.attentionBackward(q, k, v, out, logSumExp, dOut, shape, dq, dk, dv);
    new Attention(Floats.of(q), Floats.of(k), Floats.of(v), shape)
        .backward(
            Floats.of(out),
            Floats.of(logSumExp),
            Floats.of(dOut),
            Floats.of(dq),
            Floats.of(dk),
            Floats.of(dv));
  }

  @Override
  public void route(
      Tensor logits, Tensor probabilities, Tensor logSumExp, Tensor experts, Tensor weights) {
    Operands.route(logits, probabilities, logSumExp, experts, weights);
    Router.forward(
        Floats.of(logits),
        Floats.of(probabilities),
        Floats.of(logSumExp),
        Ints.of(experts),
        Floats.of(weights));
  }

  @Override
  public void routeBackward(
      Tensor probabilities,
      Tensor logSumExp,
      Tensor experts,
      Tensor weights,
      Tensor dWeights,
      Tensor balance,
      float zScale,
      Tensor dLogits) {
    Operands.route(dLogits, probabilities, logSumExp, experts, weights);
    Operands.alike(weights, dWeights, "dWeights");
    Operands.columnSums(dLogits, balance);
    Router.backward(
        Floats.of(probabilities),
        Floats.of(logSumExp),
        Ints.of(experts),
        Floats.of(weights),
        Floats.of(dWeights),
        Floats.of(balance),
        zScale,
        Floats.of(dLogits));
  }

  @Override
  public void columnSums(Tensor x, Tensor sums) {
    Operands.columnSums(x, sums);
    Router.columnSums(Floats.of(x), Floats.of(sums));
  }

  @Override
  public void gatherRows(Tensor x, Tensor rows, Tensor scale, Tensor y) {
    Operands.gatherRows(x, rows, scale, y);
    Floats factors = scale == null ? null : Floats.of(scale);
    Rows.gather(Floats.of(x), Ints.of(rows), factors, Floats.of(y));
  }

  @Override
  public void gatherRows(List<Tensor> sources, Tensor source, Tensor rows, Tensor scale, Tensor y) {
    Operands.gatherRows(sources, source, rows, scale, y);
    Floats factors = scale == null ? null : Floats.of(scale);
    Rows.gather(
        sources.stream().map(Floats::of).toList(),
        Ints.of(source),
        Ints.of(rows),
        factors,
        Floats.of(y));
  }

  @Override
  public void combine(
      Tensor residual, List<Tensor> sources, Tensor source, Tensor row, Tensor weights, Tensor y) {
    Operands.combine(residual, sources, source, row, weights, y);
    Rows.combine(
        Floats.of(residual),
        sources.stream().map(Floats::of).toList(),
        Ints.of(source),
        Ints.of(row),
        source.shape().columns(),
        weights == null ? null : Floats.of(weights),
        Floats.of(y));
  }

  @Override
  public void combineBackwardWeights(
      Tensor dy, List<Tensor> sources, Tensor source, Tensor row, Tensor dWeights) {
    Operands.combineBackwardWeights(dy, sources, source, row, dWeights);
    Rows.combineBackwardWeights(
        Floats.of(dy),
        sources.stream().map(Floats::of).toList(),
        Ints.of(source),
        Ints.of(row),
        source.shape().columns(),
        Floats.of(dWeights));
  }

  @Override
  public void swiGlu(Tensor gate, Tensor up, Tensor out) {
    Operands.swiGlu(gate, up, out);
    Elements.swiGlu(Floats.of(gate), Floats.of(up), Floats.of(out));
  }

  @Override
  public void swiGluBackward(Tensor gate, Tensor up, Tensor dOut, Tensor dGate, Tensor dUp) {
    Operands.swiGlu(gate, up, dOut, dGate, dUp);
    Elements.swiGluBackward(
        Floats.of(gate), Floats.of(up), Floats.of(dOut), Floats.of(dGate), Floats.of(dUp));
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor losses, Tensor logSumExp) {
    Operands.crossEntropy(logits, targets, losses);
    Operands.crossEntropy(logits, targets, logSumExp);
    Losses.forward(Floats.of(logits), Ints.of(targets), Floats.of(losses), Floats.of(logSumExp));
  }

  @Override
  public void crossEntropyBackward(
      Tensor logits, Tensor targets, Tensor logSumExp, float scale, Tensor dLogits) {
    Operands.crossEntropy(logits, targets, logSumExp);
    Operands.alike(logits, dLogits, "dLogits");
    Losses.backward(
        Floats.of(logits), Ints.of(targets), Floats.of(logSumExp), scale, Floats.of(dLogits));
  }

  @Override
  public double sumOfSquares(Tensor x) {
    Operands.floats(x, "x");
    return Elements.sumOfSquares(Floats.of(x));
  }

  @Override
  public void adamW(
      Tensor master, Tensor value, Tensor gradient, Tensor m, Tensor v, AdamWStep step) {
    Operands.adamW(master, value, gradient, m, v);
    Elements.adamW(
        Floats.of(master), Floats.of(value), Floats.of(gradient), Floats.of(m), Floats.of(v), step);
  }

  @Override
  public void close() {
    memory.close();
  }
}
