package org.hetermoe.compute.cpu;

import java.util.List;
import org.hetermoe.compute.Operands;
import org.hetermoe.compute.Tensor;

/** Operations on rows that an index chooses. */
final class GatherOperations {
  /** Columns of a tile of the embedding's gradient. */
  private static final int EMBED_COLUMNS = 64;

  private final TileRunner runner;
  private final Tiling tiling;

  GatherOperations(TileRunner runner, Tiling tiling) {
    this.runner = runner;
    this.tiling = tiling;
  }

  void embed(Tensor table, Tensor ids, Tensor y) {
    Operands.embed(table, ids, y);
    gather(table, ids, 0, y);
  }

  void embedBackward(Tensor ids, Tensor dy, Tensor dTable) {
    Operands.embedBackward(ids, dy, dTable);
    long from = Addresses.of(dy);
    long to = Addresses.of(dTable);
    long idsAt = Addresses.of(ids);
    int tokens = dy.shape().rows();
    int entries = dTable.shape().rows();
    int columns = dy.shape().columns();
    runner.run(
        Math.ceilDiv(columns, EMBED_COLUMNS),
        (tile, scratch) -> {
          int column = tile * EMBED_COLUMNS;
          int width = Math.min(EMBED_COLUMNS, columns - column);
          RowKernel.embedBackward(idsAt, from, to, tokens, entries, columns, column, width);
        });
  }

  void gatherRows(Tensor x, Tensor rows, Tensor scale, Tensor y) {
    Operands.gatherRows(x, rows, scale, y);
    gather(x, rows, scale == null ? 0 : Addresses.of(scale), y);
  }

  void gatherRows(List<Tensor> sources, Tensor source, Tensor rows, Tensor scale, Tensor y) {
    Operands.gatherRows(sources, source, rows, scale, y);
    RowKernel.Sources from = sources(sources, source, rows);
    long factors = scale == null ? 0 : Addresses.of(scale);
    long out = Addresses.of(y);
    int columns = y.shape().columns();
    tiling.rows(
        y,
        (tile, first, last, scratch) -> RowKernel.gather(from, factors, out, columns, first, last));
  }

  void combine(
      Tensor residual, List<Tensor> sources, Tensor source, Tensor row, Tensor weights, Tensor y) {
    Operands.combine(residual, sources, source, row, weights, y);
    long base = Addresses.of(residual);
    RowKernel.Sources from = sources(sources, source, row);
    long factors = weights == null ? 0 : Addresses.of(weights);
    long out = Addresses.of(y);
    int columns = y.shape().columns();
    tiling.rows(
        y,
        (tile, first, last, scratch) ->
            RowKernel.combine(base, from, factors, out, columns, first, last));
  }

  void combineBackwardWeights(
      Tensor dy, List<Tensor> sources, Tensor source, Tensor row, Tensor dWeights) {
    Operands.combineBackwardWeights(dy, sources, source, row, dWeights);
    long dys = Addresses.of(dy);
    RowKernel.Sources from = sources(sources, source, row);
    long out = Addresses.of(dWeights);
    int columns = dy.shape().columns();
    tiling.rows(
        dy,
        (tile, first, last, scratch) ->
            RowKernel.combineBackwardWeights(dys, from, out, columns, first, last));
  }

  private void gather(Tensor x, Tensor rows, long scale, Tensor y) {
    long xs = Addresses.of(x);
    long index = Addresses.of(rows);
    long ys = Addresses.of(y);
    int xRows = x.shape().rows();
    int columns = y.shape().columns();
    tiling.rows(
        y,
        (tile, from, to, scratch) ->
            RowKernel.gather(xs, xRows, index, scale, ys, columns, from, to));
  }

  private static RowKernel.Sources sources(List<Tensor> sources, Tensor source, Tensor row) {
    int[] rows = sources.stream().mapToInt(one -> one.shape().rows()).toArray();
    return new RowKernel.Sources(
        Addresses.of(sources),
        rows,
        Addresses.of(source),
        Addresses.of(row),
        source.shape().columns());
  }
}
