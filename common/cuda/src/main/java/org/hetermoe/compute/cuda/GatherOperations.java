package org.hetermoe.compute.cuda;

import java.util.List;
import org.hetermoe.compute.Operands;
import org.hetermoe.compute.Tensor;
import org.hetermoe.tensor.DType;

/** Rows that move: embedding, dispatch and combine. */
final class GatherOperations {
  /** As many as a kernel takes by value; one for each worker of the other side. */
  private static final int MOST_SOURCES = 128;

  private static final int WARP = 32;
  private static final int DOT_THREADS = 128;
  private static final int EMBED_THREADS = 256;

  private final CudaDevice device;
  private final Kernels.Typed gather;
  private final Kernels.Typed combine;
  private final Kernels.Typed combineWeights;
  private final Kernels.Typed embedBackward;

  GatherOperations(CudaDevice device) {
    this.device = device;
    Kernels kernels = device.kernels();
    this.gather = kernels.typed("gather", "gather");
    this.combine = kernels.typed("gather", "combine");
    this.combineWeights = kernels.typed("gather", "combine_weights");
    this.embedBackward = kernels.typed("embedding", "embed_backward");
  }

  void gatherRows(Tensor x, Tensor rows, Tensor scale, Tensor y) {
    Operands.gatherRows(x, rows, scale, y);
    gather(List.of(x), null, rows, scale, y);
  }

  void gatherRows(List<Tensor> sources, Tensor source, Tensor rows, Tensor scale, Tensor y) {
    Operands.gatherRows(sources, source, rows, scale, y);
    gather(sources, source, rows, scale, y);
  }

  void embed(Tensor table, Tensor ids, Tensor y) {
    Operands.embed(table, ids, y);
    gather(List.of(table), null, ids, null, y);
  }

  private void gather(List<Tensor> sources, Tensor source, Tensor rows, Tensor scale, Tensor y) {
    Work work = device.work().of(gather.compiledFor(type(sources, y), y.dtype()));
    sources(work, sources)
        .tensor(source)
        .tensor(rows)
        .tensor(scale)
        .i32(y.shape().columns())
        .tensor(y)
        .pointer(device.mailbox().faultAddress())
        .run(y.shape().rows(), RowOperations.threads(y.shape().columns(), y.dtype().bytes()));
  }

  /** The type of the sources; where there are none there are no rows either, and any will do. */
  private static DType type(List<Tensor> sources, Tensor other) {
    return sources.isEmpty() ? other.dtype() : sources.getFirst().dtype();
  }

  /** The structure {@code Sources} of gather.cu, and how many there are. */
  private static Work sources(Work work, List<Tensor> sources) {
    int count = sources.size();
    if (count > MOST_SOURCES) {
      throw new IllegalArgumentException(
          "rows come from at most " + MOST_SOURCES + " tensors, not from " + count);
    }
    long[] words = new long[MOST_SOURCES + MOST_SOURCES / 2];
    for (int s = 0; s < count; s++) {
      Tensor source = sources.get(s);
      words[s] = work.address(source);
      words[MOST_SOURCES + s / 2] |=
          (long) source.shape().rows() << (s % 2 == 0 ? 0 : Integer.SIZE);
    }
    return work.words(words).i32(count);
  }

  void combine(
      Tensor residual, List<Tensor> sources, Tensor source, Tensor row, Tensor weights, Tensor y) {
    Operands.combine(residual, sources, source, row, weights, y);
    Work work =
        device
            .work()
            .of(combine.compiledFor(residual.dtype(), type(sources, residual)))
            .tensor(residual);
    sources(work, sources)
        .tensor(source)
        .tensor(row)
        .tensor(weights)
        .i32(source.shape().columns())
        .i32(y.shape().columns())
        .tensor(y)
        .pointer(device.mailbox().faultAddress())
        .run(y.shape().rows(), RowOperations.threads(y.shape().columns(), y.dtype().bytes()));
  }

  void combineBackwardWeights(
      Tensor dy, List<Tensor> sources, Tensor source, Tensor row, Tensor dWeights) {
    Operands.combineBackwardWeights(dy, sources, source, row, dWeights);
    long slots = source.shape().elements();
    Work work =
        device.work().of(combineWeights.compiledFor(dy.dtype(), type(sources, dy))).tensor(dy);
    sources(work, sources)
        .tensor(source)
        .tensor(row)
        .i64(slots)
        .i32(source.shape().columns())
        .i32(dy.shape().columns())
        .tensor(dWeights)
        .pointer(device.mailbox().faultAddress())
        .run(Math.toIntExact(Math.ceilDiv(slots, (long) DOT_THREADS / WARP)), DOT_THREADS);
  }

  void embedBackward(Tensor ids, Tensor dy, Tensor dTable) {
    Operands.embedBackward(ids, dy, dTable);
    device
        .work()
        .of(embedBackward.of(dy.dtype()))
        .tensor(ids)
        .tensor(dy)
        .i32(dy.shape().rows())
        .i32(dTable.shape().rows())
        .i32(dTable.shape().columns())
        .tensor(dTable)
        .pointer(device.mailbox().faultAddress())
        .run(dy.shape().rows(), EMBED_THREADS);
  }
}
