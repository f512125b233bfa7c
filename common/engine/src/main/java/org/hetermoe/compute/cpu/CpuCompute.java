package org.hetermoe.compute.cpu;

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
import org.hetermoe.compute.host.HostMemory;
import org.hetermoe.compute.host.HostTensor;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * The device: owns memory and threads, and hands each operation to its family. A family checks
 * operands, cuts an operation into tiles by its shape, and runs the kernels on them.
 */
final class CpuCompute implements Compute {
  private final int threads;
  private final HostMemory memory = new HostMemory();
  private final TileRunner runner;
  private final ShortTypes types;
  private final ElementOperations elements;
  private final RowOperations rows;
  private final GatherOperations gather;
  private final LinearOperations linear;
  private final AttentionOperations attention;

  /** A device of this processor. */
  CpuCompute(int threads) {
    this(threads, ShortTypes.ofThisProcessor());
  }

  /** A device that computes in given types; it closes what they take. */
  CpuCompute(int threads, ShortTypes types) {
    this.threads = threads;
    this.types = types;
    this.runner = new TileRunner(threads, memory);
    Tiling tiling = new Tiling(runner);
    this.elements = new ElementOperations(tiling, types);
    this.rows = new RowOperations(tiling, types, memory);
    this.gather = new GatherOperations(runner, tiling, types);
    this.linear = new LinearOperations(runner, types);
    this.attention = new AttentionOperations(runner, tiling, types);
  }

  @Override
  public String description() {
    return "cpu (oneDNN %s, %d-bit vectors, %d thread%s)"
        .formatted(OneDnn.version(), Lanes.BYTES * Byte.SIZE, threads, threads == 1 ? "" : "s");
  }

  @Override
  public Optional<String> refusal(DType type) {
    return types.refusal(type);
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
    elements.fill(x, value);
  }

  @Override
  public void copy(Tensor source, Tensor target) {
    Operands.copy(source, target);
    HostTensor.of(target).write(HostTensor.of(source).segment());
  }

  @Override
  public void add(Tensor source, Tensor target) {
    elements.add(source, target);
  }

  @Override
  public void convert(Tensor source, Tensor target) {
    elements.convert(source, target);
  }

  @Override
  public void linear(Tensor x, Tensor w, Tensor y) {
    linear.linear(x, w, y);
  }

  @Override
  public void linearBackwardInput(Tensor dy, Tensor w, Tensor dx, boolean accumulate) {
    linear.linearBackwardInput(dy, w, dx, accumulate);
  }

  @Override
  public void linearBackwardWeight(Tensor dy, Tensor x, Tensor dw) {
    linear.linearBackwardWeight(dy, x, dw);
  }

  @Override
  public void groupedLinear(Tensor x, Groups groups, List<Tensor> w, Tensor y) {
    linear.groupedLinear(x, groups, w, y);
  }

  @Override
  public void groupedLinearBackwardInput(
      Tensor dy, Groups groups, List<Tensor> w, Tensor dx, boolean accumulate) {
    linear.groupedLinearBackwardInput(dy, groups, w, dx, accumulate);
  }

  @Override
  public void groupedLinearBackwardWeight(Tensor dy, Tensor x, Groups groups, List<Tensor> dw) {
    linear.groupedLinearBackwardWeight(dy, x, groups, dw);
  }

  @Override
  public void embed(Tensor table, Tensor ids, Tensor y) {
    gather.embed(table, ids, y);
  }

  @Override
  public void embedBackward(Tensor ids, Tensor dy, Tensor dTable) {
    gather.embedBackward(ids, dy, dTable);
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, float epsilon, Tensor y, Tensor inverseRms) {
    rows.rmsNorm(x, weight, epsilon, y, inverseRms);
  }

  @Override
  public void rmsNormBackward(
      Tensor x, Tensor weight, Tensor inverseRms, Tensor dy, Tensor dx, Tensor dWeight) {
    rows.rmsNormBackward(x, weight, inverseRms, dy, dx, dWeight);
  }

  @Override
  public void rope(Tensor x, Tensor cos, Tensor sin, int headDim) {
    attention.rope(x, cos, sin, headDim);
  }

  @Override
  public void ropeBackward(Tensor dx, Tensor cos, Tensor sin, int headDim) {
    attention.ropeBackward(dx, cos, sin, headDim);
  }

  @Override
  public void attention(
      Tensor q, Tensor k, Tensor v, AttentionShape shape, Tensor out, Tensor logSumExp) {
    attention.attention(q, k, v, shape, out, logSumExp);
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
    attention.attentionBackward(q, k, v, out, logSumExp, dOut, shape, dq, dk, dv);
  }

  @Override
  public void route(
      Tensor logits, Tensor probabilities, Tensor logSumExp, Tensor experts, Tensor weights) {
    rows.route(logits, probabilities, logSumExp, experts, weights);
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
    rows.routeBackward(
        probabilities, logSumExp, experts, weights, dWeights, balance, zScale, dLogits);
  }

  @Override
  public void columnSums(Tensor x, Tensor sums) {
    rows.columnSums(x, sums);
  }

  @Override
  public void gatherRows(Tensor x, Tensor rows, Tensor scale, Tensor y) {
    gather.gatherRows(x, rows, scale, y);
  }

  @Override
  public void gatherRows(List<Tensor> sources, Tensor source, Tensor rows, Tensor scale, Tensor y) {
    gather.gatherRows(sources, source, rows, scale, y);
  }

  @Override
  public void combine(
      Tensor residual, List<Tensor> sources, Tensor source, Tensor row, Tensor weights, Tensor y) {
    gather.combine(residual, sources, source, row, weights, y);
  }

  @Override
  public void combineBackwardWeights(
      Tensor dy, List<Tensor> sources, Tensor source, Tensor row, Tensor dWeights) {
    gather.combineBackwardWeights(dy, sources, source, row, dWeights);
  }

  @Override
  public void swiGlu(Tensor gate, Tensor up, Tensor out) {
    elements.swiGlu(gate, up, out);
  }

  @Override
  public void swiGluBackward(Tensor gate, Tensor up, Tensor dOut, Tensor dGate, Tensor dUp) {
    elements.swiGluBackward(gate, up, dOut, dGate, dUp);
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor losses, Tensor logSumExp) {
    rows.crossEntropy(logits, targets, losses, logSumExp);
  }

  @Override
  public void crossEntropyBackward(
      Tensor logits, Tensor targets, Tensor logSumExp, float scale, Tensor dLogits) {
    rows.crossEntropyBackward(logits, targets, logSumExp, scale, dLogits);
  }

  @Override
  public double sumOfSquares(Tensor x) {
    return elements.sumOfSquares(x);
  }

  @Override
  public void adamW(
      Tensor master, Tensor value, Tensor gradient, Tensor m, Tensor v, AdamWStep step) {
    elements.adamW(master, value, gradient, m, v, step);
  }

  @Override
  public void close() {
    runner.close();
    types.product().ifPresent(Bf16Product::close);
    memory.close();
  }
}
