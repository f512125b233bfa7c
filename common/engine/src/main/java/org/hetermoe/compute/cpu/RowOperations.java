package org.hetermoe.compute.cpu;

import org.hetermoe.compute.Operands;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.host.HostMemory;

/** Operations on rows, each by itself but for sums over all of them. */
final class RowOperations {
  private final Tiling tiling;
  private final ShortTypes types;

  /** Partial sums over the rows of a tile. */
  private final Scratch partials;

  RowOperations(Tiling tiling, ShortTypes types, HostMemory memory) {
    this.tiling = tiling;
    this.types = types;
    this.partials = new Scratch(memory);
  }

  void rmsNorm(Tensor x, Tensor weight, float epsilon, Tensor y, Tensor inverseRms) {
    Operands.norm(x, weight, y, inverseRms);
    Elements xs = types.elements(x);
    Elements weights = types.elements(weight);
    Elements ys = types.elements(y);
    long inverse = Addresses.of(inverseRms);
    int columns = x.shape().columns();
    tiling.rows(
        x,
        (tile, from, to, scratch) -> {
          RowSpan span = new RowSpan(from, to, columns);
          long out = span.room(ys, scratch, 2);
          NormKernel.forward(
              span.read(xs, scratch, 0),
              weights.read(0, columns, scratch, 1),
              epsilon,
              out,
              inverse,
              columns,
              from,
              to);
          span.store(out, ys);
        });
  }

  void rmsNormBackward(
      Tensor x, Tensor weight, Tensor inverseRms, Tensor dy, Tensor dx, Tensor dWeight) {
    Operands.normBackward(x, weight, inverseRms, dy, dx, dWeight);
    Elements xs = types.elements(x);
    Elements weights = types.elements(weight);
    long inverse = Addresses.of(inverseRms);
    Elements dys = types.elements(dy);
    Elements dxs = types.elements(dx);
    int columns = x.shape().columns();
    long sums = partials.floats((long) Tiling.rowTiles(x) * columns);
    tiling.rows(
        x,
        (tile, from, to, scratch) -> {
          RowSpan span = new RowSpan(from, to, columns);
          long out = span.read(dxs, scratch, 3);
          NormKernel.backward(
              span.read(xs, scratch, 0),
              weights.read(0, columns, scratch, 1),
              inverse,
              span.read(dys, scratch, 2),
              out,
              sums + 4L * tile * columns,
              columns,
              from,
              to);
          span.store(out, dxs);
        });
    addPartials(sums, Tiling.rowTiles(x), Addresses.of(dWeight), columns);
  }

  void route(
      Tensor logits, Tensor probabilities, Tensor logSumExp, Tensor experts, Tensor weights) {
    Operands.route(logits, probabilities, logSumExp, experts, weights);
    long in = Addresses.of(logits);
    long p = Addresses.of(probabilities);
    long lse = Addresses.of(logSumExp);
    long chosen = Addresses.of(experts);
    long w = Addresses.of(weights);
    int columns = logits.shape().columns();
    int k = experts.shape().columns();
    tiling.rows(
        logits,
        (tile, from, to, scratch) ->
            RouterKernel.forward(in, p, lse, chosen, w, columns, k, from, to));
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
    Operands.columnSums(dLogits, balance);
    long p = Addresses.of(probabilities);
    long lse = Addresses.of(logSumExp);
    long chosen = Addresses.of(experts);
    long w = Addresses.of(weights);
    long dw = Addresses.of(dWeights);
    long coefficients = Addresses.of(balance);
    long out = Addresses.of(dLogits);
    int columns = dLogits.shape().columns();
    int k = experts.shape().columns();
    tiling.rows(
        dLogits,
        (tile, from, to, scratch) ->
            RouterKernel.backward(
                p, lse, chosen, w, dw, coefficients, zScale, out, columns, k, from, to));
  }

  void columnSums(Tensor x, Tensor sums) {
    Operands.columnSums(x, sums);
    long xs = Addresses.of(x);
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
    long total = Addresses.of(sums);
    ElementKernel.fill(total, columns, 0f);
    addPartials(tileSums, Tiling.rowTiles(x), total, columns);
  }

  void crossEntropy(Tensor logits, Tensor targets, Tensor losses, Tensor logSumExp) {
    Operands.crossEntropy(logits, targets, losses);
    Operands.crossEntropy(logits, targets, logSumExp);
    Elements in = types.elements(logits);
    long wanted = Addresses.of(targets);
    long out = Addresses.of(losses);
    long lse = Addresses.of(logSumExp);
    int columns = logits.shape().columns();
    tiling.rows(
        logits,
        (tile, from, to, scratch) -> {
          long at = new RowSpan(from, to, columns).read(in, scratch, 0);
          LossKernel.forward(at, wanted, out, lse, columns, from, to, scratch);
        });
  }

  void crossEntropyBackward(
      Tensor logits, Tensor targets, Tensor logSumExp, float scale, Tensor dLogits) {
    Operands.crossEntropy(logits, targets, logSumExp);
    Operands.alike(logits, dLogits, "dLogits");
    Elements in = types.elements(logits);
    long wanted = Addresses.of(targets);
    long lse = Addresses.of(logSumExp);
    Elements out = types.elements(dLogits);
    int columns = logits.shape().columns();
    tiling.rows(
        logits,
        (tile, from, to, scratch) -> {
          RowSpan span = new RowSpan(from, to, columns);
          long at = span.room(out, scratch, 1);
          LossKernel.backward(span.read(in, scratch, 0), wanted, lse, scale, at, columns, from, to);
          span.store(at, out);
        });
  }

  /** Adds the partial sums of tiles to a total, in the order of the tiles. */
  private static void addPartials(long partials, int tiles, long total, int columns) {
    for (int tile = 0; tile < tiles; tile++) {
      ElementKernel.add(partials + 4L * tile * columns, total, columns);
    }
  }
}
