package org.hetermoe.compute.cuda;

import org.hetermoe.compute.Operands;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.cuda.memory.DeviceTensor;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/** Operations on whole rows: RMSNorm, rotary position embedding, loss, router, sums of columns. */
final class RowOperations {
  private static final int WARP = 32;
  private static final int VECTOR_BYTES = 16;
  private static final int MOST_THREADS = 512;

  /**
   * The gradient of a norm's weight is summed in at most so many parts, of so many rows at least.
   */
  private static final int NORM_BLOCKS = 512;

  private static final int NORM_ROWS = 4;

  private static final int SUM_THREADS = 1024;

  /** Sums over more rows than this are made in two stages. */
  private static final int ROWS_IN_ONE_STAGE = 2048;

  private static final int ROWS_PER_STAGE = 1024;
  private static final int ROUTE_TOKENS = 4;

  private final CudaDevice device;
  private final Kernels.Typed rmsNorm;
  private final Kernels.Typed rmsNormBackward;
  private final Kernels.Typed columnSums;
  private final Kernels.Typed rope;
  private final Kernels.Typed crossEntropy;
  private final Kernels.Typed crossEntropyBackward;
  private final Kernels.Typed route;
  private final Kernels.Typed routeBackward;

  RowOperations(CudaDevice device) {
    this.device = device;
    Kernels kernels = device.kernels();
    this.rmsNorm = kernels.typed("rows", "rms_norm");
    this.rmsNormBackward = kernels.typed("rows", "rms_norm_backward");
    this.columnSums = kernels.typed("rows", "column_sums");
    this.rope = kernels.typed("rows", "rope");
    this.crossEntropy = kernels.typed("rows", "cross_entropy");
    this.crossEntropyBackward = kernels.typed("rows", "cross_entropy_backward");
    this.route = kernels.typed("rows", "route");
    this.routeBackward = kernels.typed("rows", "route_backward");
  }

  /** Threads for the columns of a row: whole warps, a vector to a thread if that many may be. */
  static int threads(int columns, int bytes) {
    int vectors = Math.ceilDiv(columns * bytes, VECTOR_BYTES);
    return Math.min(Math.max(1, Math.ceilDiv(vectors, WARP)) * WARP, MOST_THREADS);
  }

  private static int threads(Tensor x) {
    return threads(x.shape().columns(), x.dtype().bytes());
  }

  void rmsNorm(Tensor x, Tensor weight, float epsilon, Tensor y, Tensor inverseRms) {
    Operands.norm(x, weight, y, inverseRms);
    device
        .work()
        .of(rmsNorm.of(x.dtype()))
        .tensor(x)
        .tensor(weight)
        .f32(epsilon)
        .i32(x.shape().columns())
        .tensor(y)
        .tensor(inverseRms)
        .run(x.shape().rows(), threads(x));
  }

  void rmsNormBackward(
      Tensor x, Tensor weight, Tensor inverseRms, Tensor dy, Tensor dx, Tensor dWeight) {
    Operands.normBackward(x, weight, inverseRms, dy, dx, dWeight);
    int rows = x.shape().rows();
    int columns = x.shape().columns();
    int sharedBytes = Math.multiplyExact(columns, Float.BYTES);
    int reduction = WARP * Float.BYTES;
    if (sharedBytes + reduction > device.info().sharedBytesPerBlock()) {
      throw new IllegalArgumentException(
          "rmsNormBackward on %s takes at most %d columns, x is %s"
              .formatted(
                  device.info().name(),
                  (device.info().sharedBytesPerBlock() - reduction) / Float.BYTES,
                  x));
    }
    int rowsPerBlock = Math.max(NORM_ROWS, Math.ceilDiv(rows, NORM_BLOCKS));
    int blocks = Math.ceilDiv(rows, rowsPerBlock);
    if (blocks == 0) {
      return;
    }
    try (DeviceTensor partial = device.memory().allocate(DType.F32, Shape.of(blocks, columns))) {
      device
          .work()
          .of(rmsNormBackward.of(x.dtype()))
          .tensor(x)
          .tensor(weight)
          .tensor(inverseRms)
          .tensor(dy)
          .i32(rows)
          .i32(rowsPerBlock)
          .i32(columns)
          .tensor(dx)
          .tensor(partial)
          .run(blocks, 1, threads(x), sharedBytes);
      sum(partial, dWeight, columns, blocks, blocks, true);
    }
  }

  void columnSums(Tensor x, Tensor sums) {
    Operands.columnSums(x, sums);
    int rows = x.shape().rows();
    int columns = x.shape().columns();
    if (rows <= ROWS_IN_ONE_STAGE) {
      sum(x, sums, columns, rows, Math.max(1, rows), false);
      return;
    }
    int parts = Math.ceilDiv(rows, ROWS_PER_STAGE);
    try (DeviceTensor partial = device.memory().allocate(DType.F32, Shape.of(parts, columns))) {
      sum(x, partial, columns, rows, ROWS_PER_STAGE, false);
      sum(partial, sums, columns, parts, parts, false);
    }
  }

  private void sum(
      Tensor x, Tensor sums, int columns, int rows, int rowsPerBlock, boolean accumulate) {
    device
        .work()
        .of(columnSums.single())
        .tensor(x)
        .i32(rows)
        .i32(columns)
        .i32(rowsPerBlock)
        .tensor(sums)
        .i32(accumulate ? 1 : 0)
        .run(
            Math.ceilDiv(columns, WARP),
            Math.max(1, Math.ceilDiv(rows, rowsPerBlock)),
            SUM_THREADS,
            0);
  }

  void rope(Tensor x, Tensor cos, Tensor sin, int headDim, boolean forward) {
    Operands.rope(x, cos, sin, headDim);
    int half = headDim / 2;
    device
        .work()
        .of(rope.of(x.dtype()))
        .tensor(x)
        .tensor(cos)
        .tensor(sin)
        .i32(cos.shape().rows())
        .i32(x.shape().columns() / headDim)
        .i32(half)
        .f32(forward ? 1 : -1)
        .run(x.shape().rows(), threads(x.shape().columns() / 2, x.dtype().bytes()));
  }

  void crossEntropy(Tensor logits, Tensor targets, Tensor losses, Tensor logSumExp) {
    Operands.crossEntropy(logits, targets, losses);
    Operands.crossEntropy(logits, targets, logSumExp);
    device
        .work()
        .of(crossEntropy.of(logits.dtype()))
        .tensor(logits)
        .tensor(targets)
        .i32(logits.shape().columns())
        .tensor(losses)
        .tensor(logSumExp)
        .pointer(device.mailbox().faultAddress())
        .run(logits.shape().rows(), threads(logits));
  }

  void crossEntropyBackward(
      Tensor logits, Tensor targets, Tensor logSumExp, float scale, Tensor dLogits) {
    Operands.crossEntropy(logits, targets, logSumExp);
    Operands.alike(logits, dLogits, "dLogits");
    device
        .work()
        .of(crossEntropyBackward.of(logits.dtype()))
        .tensor(logits)
        .tensor(targets)
        .tensor(logSumExp)
        .f32(scale)
        .i32(logits.shape().columns())
        .tensor(dLogits)
        .pointer(device.mailbox().faultAddress())
        .run(logits.shape().rows(), threads(logits));
  }

  void route(
      Tensor logits, Tensor probabilities, Tensor logSumExp, Tensor experts, Tensor weights) {
    Operands.route(logits, probabilities, logSumExp, experts, weights);
    int tokens = logits.shape().rows();
    device
        .work()
        .of(route.single())
        .tensor(logits)
        .i32(tokens)
        .i32(logits.shape().columns())
        .i32(experts.shape().columns())
        .tensor(probabilities)
        .tensor(logSumExp)
        .tensor(experts)
        .tensor(weights)
        .run(Math.ceilDiv(tokens, ROUTE_TOKENS), ROUTE_TOKENS * WARP);
  }

  void routeBackward(
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
    Operands.elements(balance, DType.F32, probabilities.shape().columns(), "balance");
    int tokens = probabilities.shape().rows();
    device
        .work()
        .of(routeBackward.single())
        .tensor(probabilities)
        .tensor(logSumExp)
        .tensor(experts)
        .tensor(weights)
        .tensor(dWeights)
        .tensor(balance)
        .f32(zScale)
        .i32(tokens)
        .i32(probabilities.shape().columns())
        .i32(experts.shape().columns())
        .tensor(dLogits)
        .pointer(device.mailbox().faultAddress())
        .run(Math.ceilDiv(tokens, ROUTE_TOKENS), ROUTE_TOKENS * WARP);
  }
}
