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
  private final ShortTypes types;

  GatherOperations(TileRunner runner, Tiling tiling, ShortTypes types) {
    this.runner = runner;
    this.tiling = tiling;
    this.types = types;
  }

  void embed(Tensor table, Tensor ids, Tensor y) {
    Operands.embed(table, ids, y);
    gather(types.elements(table), table.shape().rows(), ids, 0, y);
  }

  void embedBackward(Tensor ids, Tensor dy, Tensor dTable) {
    Operands.embedBackward(ids, dy, dTable);
    Elements from = types.elements(dy);
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
          RowKernel.embedBackward(
              idsAt, from, to, tokens, entries, columns, column, width, scratch);
        });
  }

  void gatherRows(Tensor x, Tensor rows, Tensor scale, Tensor y) {
    Operands.gatherRows(x, rows, scale, y);
    long factors = scale == null ? 0 : Addresses.of(scale);
    gather(Elements.ofAny(x), x.shape().rows(), rows, factors, y);
  }

  void gatherRows(List<Tensor> sources, Tensor source, Tensor rows, Tensor scale, Tensor y) {
    Operands.gatherRows(sources, source, rows, scale, y);
    RowKernel.Sources from = sources(sources, source, rows);
    long factors = scale == null ? 0 : Addresses.of(scale);
    Elements out = Elements.ofAny(y);
    int columns = y.shape().columns();
    tiling.rows(
        y,
        (tile, first, last, scratch) ->
            RowKernel.gather(from, factors, out, columns, first, last, scratch));
  }

  void combine(
      Tensor residual, List<Tensor> sources, Tensor source, Tensor row, Tensor weights, Tensor y) {
    Operands.combine(residual, sources, source, row, weights, y);
    Elements base = types.elements(residual);
    RowKernel.Sources from = sources(sources, source, row);
    long factors = weights == null ? 0 : Addresses.of(weights);
    Elements out = types.elements(y);
    int columns = y.shape().columns();
    tiling.rows(
        y,
        (tile, first, last, scratch) ->
            RowKernel.combine(base, from, factors, out, columns, first, last, scratch));
  }

  void combineBackwardWeights(
      Tensor dy, List<Tensor> sources, Tensor source, Tensor row, Tensor dWeights) {
    Operands.combineBackwardWeights(dy, sources, source, row, dWeights);
    Elements dys = types.elements(dy);
    RowKernel.Sources from = sources(sources, source, row);
    long out = Addresses.of(dWeights);
    int columns = dy.shape().columns();
    tiling.rows(
        dy,
        (tile, first, last, scratch) ->
            RowKernel.combineBackwardWeights(dys, from, out, columns, first, last, scratch));
  }

  private void gather(Elements x, int xRows, Tensor rows, long scale, Tensor y) {
    long index = Addresses.of(rows);
    Elements ys = Elements.ofAny(y);
    int columns = y.shape().columns();
    tiling.rows(
        y,
        (tile, from, to, scratch) ->
            RowKernel.gather(x, xRows, index, scale, ys, columns, from, to, scratch));
  }

  private static RowKernel.Sources sources(List<Tensor> sources, Tensor source, Tensor row) {
    int[] rows = sources.stream().mapToInt(one -> one.shape().rows()).toArray();
    return new RowKernel.Sources(
        Elements.ofAny(sources),
        rows,
        Addresses.of(source),
        Addresses.of(row),
        source.shape().columns());
  }
}
