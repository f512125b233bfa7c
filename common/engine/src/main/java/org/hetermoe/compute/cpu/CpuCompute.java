package org.hetermoe.compute.cpu;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.hetermoe.compute.AdamWStep;
import org.hetermoe.compute.AttentionShape;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Groups;
import org.hetermoe.compute.MemoryUse;
import org.hetermoe.compute.Operands;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.host.HostMemory;
import org.hetermoe.compute.host.HostTensor;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/** Checks operands, cuts an operation into tiles by its shape, and runs the kernels on them. */
final class CpuCompute implements Compute {
  /** Columns of a tile of the embedding's gradient. */
  private static final int EMBED_COLUMNS = 64;

  private final int threads;
  private final HostMemory memory = new HostMemory();
  private final TileRunner runner;
  private final Tiling tiling;
  private final MatrixProducts products;
  private final Scratch partials;
  private double[] partialSquares = new double[0];

  CpuCompute(int threads) {
    this.threads = threads;
    this.runner = new TileRunner(threads, memory);
    this.tiling = new Tiling(runner);
    this.products = new MatrixProducts(runner);
    this.partials = new Scratch(memory);
  }

  @Override
  public String description() {
    return "cpu (oneDNN %s, %d-bit vectors, %d thread%s)"
        .formatted(OneDnn.version(), Lanes.BYTES * Byte.SIZE, threads, threads == 1 ? "" : "s");
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
  public Tensor map(MemorySegment segment, DType dtype, Shape shape) {
    return memory.map(segment, dtype, shape);
  }

  @Override
  public void write(MemorySegment source, Tensor target) {
    HostTensor.of(target).write(source);
  }

  @Override
  public void read(Tensor source, MemorySegment target) {
    HostTensor.of(source).read(target);
  }

  @Override
  public void synchronize() {
    memory.requireOpen();
  }

  @Override
  public void fill(Tensor x, float value) {
    Operands.floats(x, "x");
    long at = address(x);
    tiling.elements(x, (from, count, scratch) -> ElementKernel.fill(at + 4L * from, count, value));
  }

  @Override
  public void copy(Tensor source, Tensor target) {
    Operands.copy(source, target);
    HostTensor.of(target).write(HostTensor.of(source).segment());
  }

  @Override
  public void add(Tensor source, Tensor target) {
    Operands.sameCount(source, target);
    long from = address(source);
    long to = address(target);
    tiling.elements(
        target,
        (first, count, scratch) -> ElementKernel.add(from + 4L * first, to + 4L * first, count));
  }

  @Override
  public void linear(Tensor x, Tensor w, Tensor y) {
    Operands.linear(x, w, y);
    groupedLinear(x, all(x), List.of(w), y);
  }

  @Override
  public void linearBackwardInput(Tensor dy, Tensor w, Tensor dx, boolean accumulate) {
    Operands.linear(dx, w, dy);
    groupedLinearBackwardInput(dy, all(dy), List.of(w), dx, accumulate);
  }

  @Override
  public void linearBackwardWeight(Tensor dy, Tensor x, Tensor dw) {
    Operands.linear(x, dw, dy);
    groupedLinearBackwardWeight(dy, x, all(x), List.of(dw));
  }

  @Override
  public void groupedLinear(Tensor x, Groups groups, List<Tensor> w, Tensor y) {
    Operands.groupedLinear(x, groups, w, y);
    products.forward(
        address(x), groups, addresses(w), address(y), x.shape().columns(), y.shape().columns());
  }

  @Override
  public void groupedLinearBackwardInput(
      Tensor dy, Groups groups, List<Tensor> w, Tensor dx, boolean accumulate) {
    Operands.groupedLinear(dx, groups, w, dy);
    products.backwardInput(
        address(dy),
        groups,
        addresses(w),
        address(dx),
        accumulate,
        dx.shape().columns(),
        dy.shape().columns());
  }

  @Override
  public void groupedLinearBackwardWeight(Tensor dy, Tensor x, Groups groups, List<Tensor> dw) {
    Operands.groupedLinear(x, groups, dw, dy);
    products.backwardWeight(
        address(dy), address(x), groups, addresses(dw), x.shape().columns(), dy.shape().columns());
  }

  @Override
  public void embed(Tensor table, Tensor ids, Tensor y) {
    Operands.embed(table, ids, y);
    gather(table, ids, 0, y);
  }

  @Override
  public void embedBackward(Tensor ids, Tensor dy, Tensor dTable) {
    Operands.embed(dTable, ids, dy);
    long from = address(dy);
    long to = address(dTable);
    long idsAt = address(ids);
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

  @Override
  public void rmsNorm(Tensor x, Tensor weight, float epsilon, Tensor y, Tensor inverseRms) {
    Operands.norm(x, weight, inverseRms);
    Operands.alike(x, y, "y");
    long xs = address(x);
    long weights = address(weight);
    long ys = address(y);
    long inverse = address(inverseRms);
    int columns = x.shape().columns();
    tiling.rows(
        x,
        (tile, from, to, scratch) ->
            NormKernel.forward(xs, weights, epsilon, ys, inverse, columns, from, to));
  }

  @Override
  public void rmsNormBackward(
      Tensor x, Tensor weight, Tensor inverseRms, Tensor dy, Tensor dx, Tensor dWeight) {
    Operands.norm(x, weight, inverseRms);
    Operands.norm(x, dWeight, inverseRms);
    Operands.alike(x, dy, "dy");
    Operands.alike(x, dx, "dx");
    long xs = address(x);
    long weights = address(weight);
    long inverse = address(inverseRms);
    long dys = address(dy);
    long dxs = address(dx);
    int columns = x.shape().columns();
    long sums = partials.floats((long) Tiling.rowTiles(x) * columns);
    tiling.rows(
        x,
        (tile, from, to, scratch) ->
            NormKernel.backward(
                xs, weights, inverse, dys, dxs, sums + 4L * tile * columns, columns, from, to));
    addPartials(sums, Tiling.rowTiles(x), address(dWeight), columns);
  }

  @Override
  public void rope(Tensor x, Tensor cos, Tensor sin, int headDim) {
    Operands.rope(x, cos, sin, headDim);
    rotate(x, cos, sin, headDim, 1f);
  }

  @Override
  public void ropeBackward(Tensor dx, Tensor cos, Tensor sin, int headDim) {
    Operands.rope(dx, cos, sin, headDim);
    rotate(dx, cos, sin, headDim, -1f);
  }

  @Override
  public void attention(
      Tensor q, Tensor k, Tensor v, AttentionShape shape, Tensor out, Tensor logSumExp) {
    Operands.attention(q, k, v, shape, out, logSumExp);
    long qs = address(q);
    long ks = address(k);
    long vs = address(v);
    long outs = address(out);
    long lse = address(logSumExp);
    AttentionKernel kernel = new AttentionKernel(shape);
    runner.run(
        kernel.forwardTiles(),
        (tile, scratch) -> kernel.forward(tile, qs, ks, vs, outs, lse, scratch));
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
    Operands.attention(q, k, v, shape, out, logSumExp);
    Operands.attention(dq, dk, dv, shape, dOut, logSumExp);
    AttentionKernel kernel = new AttentionKernel(shape);
    AttentionKernel.Operand in =
        new AttentionKernel.Operand(
            address(q), address(k), address(v), address(out), address(logSumExp), address(dOut));
    AttentionKernel.Gradient gradient =
        new AttentionKernel.Gradient(address(dq), address(dk), address(dv));
    runner.run(
        kernel.backwardTiles(), (tile, scratch) -> kernel.backward(tile, in, gradient, scratch));
  }

  @Override
  public void route(
      Tensor logits, Tensor probabilities, Tensor logSumExp, Tensor experts, Tensor weights) {
    Operands.route(logits, probabilities, logSumExp, experts, weights);
    long in = address(logits);
    long p = address(probabilities);
    long lse = address(logSumExp);
    long chosen = address(experts);
    long w = address(weights);
    int columns = logits.shape().columns();
    int k = experts.shape().columns();
    tiling.rows(
        logits,
        (tile, from, to, scratch) ->
            RouterKernel.forward(in, p, lse, chosen, w, columns, k, from, to));
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
    long p = address(probabilities);
    long lse = address(logSumExp);
    long chosen = address(experts);
    long w = address(weights);
    long dw = address(dWeights);
    long coefficients = address(balance);
    long out = address(dLogits);
    int columns = dLogits.shape().columns();
    int k = experts.shape().columns();
    tiling.rows(
        dLogits,
        (tile, from, to, scratch) ->
            RouterKernel.backward(
                p, lse, chosen, w, dw, coefficients, zScale, out, columns, k, from, to));
  }

  @Override
  public void columnSums(Tensor x, Tensor sums) {
    Operands.columnSums(x, sums);
    long xs = address(x);
    int columns = x.shape().columns();
    long tileSums = partials.floats((long) Tiling.rowTiles(x) * columns);
    tiling.rows(
        x,
        (tile, from, to, scratch) -> {
          long partial = tileSums + 4L * tile * columns;
          ElementKernel.fill(partial, columns, 0f);
          for (int t = from; t < to; t++) {
            ElementKernel.add(xs + 4L * t * columns, partial, columns);
          }
        });
    long total = address(sums);
    ElementKernel.fill(total, columns, 0f);
    addPartials(tileSums, Tiling.rowTiles(x), total, columns);
  }

  @Override
  public void gatherRows(Tensor x, Tensor rows, Tensor scale, Tensor y) {
    Operands.gatherRows(x, rows, scale, y);
    gather(x, rows, scale == null ? 0 : address(scale), y);
  }

  @Override
  public void combine(
      Tensor residual, List<Tensor> sources, Tensor source, Tensor row, Tensor weights, Tensor y) {
    Operands.combine(residual, sources, source, row, weights);
    Operands.alike(residual, y, "y");
    long base = address(residual);
    RowKernel.Sources from = sources(sources, source, row);
    long factors = weights == null ? 0 : address(weights);
    long out = address(y);
    int columns = y.shape().columns();
    tiling.rows(
        y,
        (tile, first, last, scratch) ->
            RowKernel.combine(base, from, factors, out, columns, first, last));
  }

  @Override
  public void combineBackwardWeights(
      Tensor dy, List<Tensor> sources, Tensor source, Tensor row, Tensor dWeights) {
    Operands.combine(dy, sources, source, row, dWeights);
    long dys = address(dy);
    RowKernel.Sources from = sources(sources, source, row);
    long out = address(dWeights);
    int columns = dy.shape().columns();
    tiling.rows(
        dy,
        (tile, first, last, scratch) ->
            RowKernel.combineBackwardWeights(dys, from, out, columns, first, last));
  }

  @Override
  public void swiGlu(Tensor gate, Tensor up, Tensor out) {
    Operands.sameCount(gate, up);
    Operands.sameCount(gate, out);
    long gates = address(gate);
    long ups = address(up);
    long outs = address(out);
    tiling.elements(
        gate,
        (from, count, scratch) -> {
          long at = 4L * from;
          SwiGluKernel.forward(gates + at, ups + at, outs + at, count, scratch);
        });
  }

  @Override
  public void swiGluBackward(Tensor gate, Tensor up, Tensor dOut, Tensor dGate, Tensor dUp) {
    Operands.sameCount(gate, up);
    Operands.sameCount(gate, dOut);
    Operands.sameCount(gate, dGate);
    Operands.sameCount(gate, dUp);
    long gates = address(gate);
    long ups = address(up);
    long dOuts = address(dOut);
    long dGates = address(dGate);
    long dUps = address(dUp);
    tiling.elements(
        gate,
        (from, count, scratch) -> {
          long at = 4L * from;
          SwiGluKernel.backward(
              gates + at, ups + at, dOuts + at, dGates + at, dUps + at, count, scratch);
        });
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor losses, Tensor logSumExp) {
    Operands.crossEntropy(logits, targets, losses);
    Operands.crossEntropy(logits, targets, logSumExp);
    long in = address(logits);
    long wanted = address(targets);
    long out = address(losses);
    long lse = address(logSumExp);
    int columns = logits.shape().columns();
    tiling.rows(
        logits,
        (tile, from, to, scratch) ->
            LossKernel.forward(in, wanted, out, lse, columns, from, to, scratch));
  }

  @Override
  public void crossEntropyBackward(
      Tensor logits, Tensor targets, Tensor logSumExp, float scale, Tensor dLogits) {
    Operands.crossEntropy(logits, targets, logSumExp);
    Operands.alike(logits, dLogits, "dLogits");
    long in = address(logits);
    long wanted = address(targets);
    long lse = address(logSumExp);
    long out = address(dLogits);
    int columns = logits.shape().columns();
    tiling.rows(
        logits,
        (tile, from, to, scratch) ->
            LossKernel.backward(in, wanted, lse, scale, out, columns, from, to));
  }

  @Override
  public double sumOfSquares(Tensor x) {
    Operands.floats(x, "x");
    long xs = address(x);
    int tiles = Tiling.elementTiles(x);
    if (partialSquares.length < tiles) {
      partialSquares = new double[tiles];
    }
    double[] squares = partialSquares;
    tiling.elements(
        x,
        (from, count, scratch) ->
            squares[(int) (from / Tiling.TILE_ELEMENTS)] =
                ElementKernel.sumOfSquares(xs + 4L * from, count));
    double sum = 0;
    for (int tile = 0; tile < tiles; tile++) {
      sum += squares[tile];
    }
    return sum;
  }

  @Override
  public void adamW(Tensor parameter, Tensor gradient, Tensor m, Tensor v, AdamWStep step) {
    Operands.sameCount(parameter, gradient);
    Operands.sameCount(parameter, m);
    Operands.sameCount(parameter, v);
    long ps = address(parameter);
    long gs = address(gradient);
    long ms = address(m);
    long vs = address(v);
    AdamWKernel kernel = new AdamWKernel(step);
    tiling.elements(
        parameter,
        (from, count, scratch) -> {
          long at = 4L * from;
          kernel.run(ps + at, gs + at, ms + at, vs + at, count);
        });
  }

  @Override
  public void close() {
    runner.close();
    memory.close();
  }

  private void rotate(Tensor x, Tensor cos, Tensor sin, int headDim, float sign) {
    long xs = address(x);
    long cosines = address(cos);
    long sines = address(sin);
    int columns = x.shape().columns();
    int length = cos.shape().rows();
    tiling.rows(
        x,
        (tile, from, to, scratch) ->
            RopeKernel.rotate(xs, cosines, sines, sign, columns, headDim, length, from, to));
  }

  private void gather(Tensor x, Tensor rows, long scale, Tensor y) {
    long xs = address(x);
    long index = address(rows);
    long ys = address(y);
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
        addresses(sources), rows, address(source), address(row), source.shape().columns());
  }

  /** Adds the partial sums of tiles to a total, in the order of the tiles. */
  private static void addPartials(long partials, int tiles, long total, int columns) {
    for (int tile = 0; tile < tiles; tile++) {
      ElementKernel.add(partials + 4L * tile * columns, total, columns);
    }
  }

  private static Groups all(Tensor x) {
    return Groups.ofSizes(x.shape().rows());
  }

  private static long address(Tensor x) {
    return HostTensor.of(x).address();
  }

  private static long[] addresses(List<Tensor> tensors) {
    long[] addresses = new long[tensors.size()];
    for (int i = 0; i < addresses.length; i++) {
      addresses[i] = address(tensors.get(i));
    }
    return addresses;
  }
}
