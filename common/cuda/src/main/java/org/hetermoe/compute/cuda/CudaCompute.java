package org.hetermoe.compute.cuda;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.hetermoe.compute.AdamWStep;
import org.hetermoe.compute.AttentionShape;
import org.hetermoe.compute.Completion;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Groups;
import org.hetermoe.compute.Holder;
import org.hetermoe.compute.Mark;
import org.hetermoe.compute.MemoryUse;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.cuda.driver.DeviceInfo;
import org.hetermoe.compute.cuda.memory.DeviceTensor;
import org.hetermoe.compute.cuda.memory.MemoryPool;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * The device: hands each operation to its family, which checks operands and queues kernels. Copies
 * go their own ways beside what is computed; each tensor knows what has to come before its next
 * use.
 */
final class CudaCompute implements Compute {
  private final CudaRuntime runtime;
  private final CudaDevice device;
  private final ElementOperations elements;
  private final RowOperations rows;
  private final GatherOperations gather;
  private final LinearOperations linear;
  private final AttentionOperations attention;
  private boolean closed;

  CudaCompute(CudaRuntime runtime, DeviceInfo info, MemoryPool.Sizing sizing) {
    this.runtime = runtime;
    this.device = new CudaDevice(runtime.driver(), info, runtime.kernels(), sizing);
    this.elements = new ElementOperations(device);
    this.rows = new RowOperations(device);
    this.gather = new GatherOperations(device);
    this.linear = new LinearOperations(device, runtime.cublas());
    this.attention = new AttentionOperations(device);
  }

  @Override
  public String description() {
    DeviceInfo info = device.info();
    return "cuda:%d (%s, compute capability %s, %.1f GiB; driver CUDA %s, %s, cuBLAS %s)"
        .formatted(
            info.ordinal(),
            info.name(),
            info.capability(),
            info.memoryBytes() / (double) (1L << 30),
            runtime.driver().versionText(),
            runtime.kernels().compiler(),
            runtime.cublas().version());
  }

  @Override
  public Optional<String> refusal(DType type) {
    return device.refusal(type);
  }

  /** What nobody has of the device's memory, idle blocks of the pool not counted. */
  long freeBytes() {
    return device.context().freeBytes();
  }

  @Override
  public MemoryUse memory() {
    return device.memory().use();
  }

  @Override
  public OptionalLong memoryBytes() {
    return OptionalLong.of(device.context().device().memoryBytes());
  }

  @Override
  public Tensor allocate(DType dtype, Shape shape) {
    return device.memory().allocate(dtype, shape);
  }

  @Override
  public Tensor allocate(Holder holder, DType dtype, Shape shape) {
    return device.memory().allocate(holder, dtype, shape);
  }

  @Override
  public Tensor transferTensor(MemorySegment buffer, DType dtype, Shape shape) {
    if (!buffer.isNative()) {
      throw new IllegalArgumentException("only native memory can be a buffer of transfers");
    }
    if (buffer.address() % dtype.bytes() != 0) {
      throw new IllegalArgumentException("the buffer is not aligned to its elements");
    }
    long bytes = Math.multiplyExact(shape.elements(), (long) dtype.bytes());
    if (buffer.byteSize() != bytes) {
      throw new IllegalArgumentException(
          "a tensor " + shape + " has " + bytes + " bytes, the buffer " + buffer.byteSize());
    }
    return device.memory().allocate(Holder.FRAMES, dtype, shape).forTransfers();
  }

  @Override
  public Completion upload(MemorySegment source, Tensor target) {
    return device.transfers().upload(source, DeviceTensor.of(target, device.memory()));
  }

  @Override
  public Completion download(Tensor source, MemorySegment target) {
    // Parity runs read the tensors of all ranks by one instance; those of one device are in reach.
    return device.transfers().download(DeviceTensor.near(source, device.memory()), target);
  }

  @Override
  public void synchronize() {
    device.synchronize();
  }

  @Override
  public Mark mark() {
    device.memory().requireOpen();
    return new DeviceMark(device.lanes().compute().stream());
  }

  @Override
  public void fill(Tensor x, float value) {
    elements.fill(x, value);
  }

  @Override
  public void copy(Tensor source, Tensor target) {
    elements.copy(source, target);
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
    rows.rope(x, cos, sin, headDim, true);
  }

  @Override
  public void ropeBackward(Tensor dx, Tensor cos, Tensor sin, int headDim) {
    rows.rope(dx, cos, sin, headDim, false);
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
    if (!closed) {
      closed = true;
      try (device) {
        device.lanes().synchronize();
        linear.close();
      }
    }
  }
}
