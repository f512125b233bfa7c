package org.hetermoe.compute.cuda;

import java.util.HashMap;
import java.util.Map;
import org.hetermoe.compute.AttentionShape;
import org.hetermoe.compute.Operands;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.cuda.driver.Kernel;
import org.hetermoe.compute.cuda.memory.DeviceTensor;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * Attention. Its kernels are compiled for a type and a width of heads when they are first met: half
 * precisions on tensor cores, single precision without.
 */
final class AttentionOperations {
  /** What a vector access of the kernels must be aligned to. */
  private static final int VECTOR_BYTES = 16;

  private static final int DELTA_WARPS = 8;
  private static final int WARP = 32;

  private final CudaDevice device;
  private final Map<Key, Compiled> compiled = new HashMap<>();

  AttentionOperations(CudaDevice device) {
    this.device = device;
  }

  void attention(Tensor q, Tensor k, Tensor v, AttentionShape shape, Tensor out, Tensor logSumExp) {
    Operands.attention(q, k, v, shape, out, logSumExp);
    if (shape.sequences() == 0) {
      return;
    }
    Compiled kernel = get(AttentionPass.FORWARD, shape, q, k, v, out);
    Work work = begin(kernel.main).tensor(q).tensor(k).tensor(v).tensor(out).tensor(logSumExp);
    run(work, kernel.tiles, shape, shape.heads());
  }

  void attentionBackward(
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
    if (shape.sequences() == 0) {
      return;
    }
    Compiled byQuery = get(AttentionPass.BACKWARD_QUERY, shape, q, k, v, out, dOut, dq);
    Compiled byKey = get(AttentionPass.BACKWARD_KEY, shape, q, k, v, dOut, dk, dv);
    Shape perRow = Shape.of(shape.tokens(), shape.heads());
    try (DeviceTensor delta = device.memory().allocate(DType.F32, perRow)) {
      begin(byQuery.delta)
          .tensor(out)
          .tensor(dOut)
          .tensor(delta)
          .i64(perRow.elements())
          .run(Math.toIntExact(Math.ceilDiv(perRow.elements(), DELTA_WARPS)), DELTA_WARPS * WARP);
      Work queries =
          begin(byQuery.main)
              .tensor(q)
              .tensor(k)
              .tensor(v)
              .tensor(logSumExp)
              .tensor(delta)
              .tensor(dOut)
              .tensor(dq);
      run(queries, byQuery.tiles, shape, shape.heads());
      Work keys =
          begin(byKey.main)
              .tensor(q)
              .tensor(k)
              .tensor(v)
              .tensor(logSumExp)
              .tensor(delta)
              .tensor(dOut)
              .tensor(dk)
              .tensor(dv);
      run(keys, byKey.tiles, shape, shape.kvHeads());
    }
  }

  private Work begin(Kernel kernel) {
    return device.work().of(kernel);
  }

  private static void run(Work work, AttentionTiles tiles, AttentionShape shape, int heads) {
    int blocks = Math.ceilDiv(shape.length(), tiles.rows());
    int grid = Math.multiplyExact(Math.multiplyExact(heads, shape.sequences()), blocks);
    work.i32(shape.sequences())
        .i32(shape.length())
        .i32(shape.heads())
        .i32(shape.kvHeads())
        .f32((float) (1 / Math.sqrt(shape.headDim())))
        .run(grid, 1, tiles.threads(), tiles.sharedBytes());
  }

  private Compiled get(AttentionPass pass, AttentionShape shape, Tensor... operands) {
    DType type = operands[0].dtype();
    int headDim = shape.headDim();
    if (headDim > AttentionTiles.WIDEST_HEAD) {
      throw new IllegalArgumentException(
          "heads of %d columns are too wide for the device's attention, which takes %d"
              .formatted(headDim, AttentionTiles.WIDEST_HEAD));
    }
    boolean aligned = headDim * type.bytes() % VECTOR_BYTES == 0;
    for (Tensor operand : operands) {
      aligned &= DeviceTensor.of(operand, device.memory()).isAligned(VECTOR_BYTES);
    }
    return compiled.computeIfAbsent(new Key(pass, type, headDim, aligned), this::compile);
  }

  private Compiled compile(Key key) {
    Kernels kernels = device.kernels();
    AttentionTiles tiles =
        AttentionTiles.of(key.pass, key.type, kernels.architecture(), key.headDim, key.aligned);
    Kernel delta =
        key.pass == AttentionPass.BACKWARD_QUERY
            ? kernels.get(tiles.source(), "attention_delta_" + AttentionTiles.suffix(key.type))
            : null;
    return new Compiled(tiles, kernels.get(tiles.source(), tiles.kernel()), delta);
  }

  private record Key(AttentionPass pass, DType type, int headDim, boolean aligned) {}

  /** The delta of the backward pass comes with the kernel by query, and is null elsewhere. */
  private record Compiled(AttentionTiles tiles, Kernel main, Kernel delta) {}
}
