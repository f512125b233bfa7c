package org.hetermoe.compute.cpu;

import org.hetermoe.compute.Operands;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.host.HostMemory;

/** Operations on rows, each by itself but for sums over all of them. */
final class RowOperations {
  private final Tiling tiling;

  /** Partial sums over the rows of a tile. */
  private final Scratch partials;

  RowOperations(Tiling tiling, HostMemory memory) {
    this.tiling = tiling;
    this.partials = new Scratch(memory);
  }

  void rmsNorm(Tensor x, Tensor weight, float epsilon, Tensor y, Tensor inverseRms) {
    Operands.norm(x, weight, y, inverseRms);
    long xs = Addresses.of(x);
    long weights = Addresses.of(weight);
    long ys = Addresses.of(y);
    long inverse = Addresses.of(inverseRms);
    int columns = x.shape().columns();
    tiling.rows(
        x,
        (tile, from, to, scratch) ->
            NormKernel.forward(xs, weights, epsilon, ys, inverse, columns, from, to));
  }

  void rmsNormBackward(
      Tensor x, Tensor weight, Tensor inverseRms, Tensor dy, Tensor dx, Tensor dWeight) {
    Operands.normBackward(x, weight, inverseRms, dy, dx, dWeight);
    long xs = Addresses.of(x);
    long weights = Addresses.of(weight);
    long inverse = Addresses.of(inverseRms);
    long dys = Addresses.of(dy);
    long dxs = Addresses.of(dx);
    int columns = x.shape().columns();
    long sums = partials.floats((long) Tiling.rowTiles(x) * columns);
    tiling.rows(
        x,
        (tile, from, to, scratch) ->
            NormKernel.backward(
                xs, weights, inverse, dys, dxs, sums + 4L * tile * columns, columns, from, to));
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
    long in = Addresses.of(logits);
    long wanted = Addresses.of(targets);
    long out = Addresses.of(losses);
    long lse = Addresses.of(logSumExp);
    int columns = logits.shape().columns();
    tiling.rows(
        logits,
        (tile, from, to, scratch) ->
            LossKernel.forward(in, wanted, out, lse, columns, from, to, scratch));
  }

  void crossEntropyBackward(
      Tensor logits, Tensor targets, Tensor logSumExp, float scale, Tensor dLogits) {
    Operands.crossEntropy(logits, targets, logSumExp);
    Operands.alike(logits, dLogits, "dLogits");
    long in = Addresses.of(logits);
    long wanted = Addresses.of(targets);
    long lse = Addresses.of(logSumExp);
    long out = Addresses.of(dLogits);
    int columns = logits.shape().columns();
    tiling.rows(
        logits,
        (tile, from, to, scratch) ->
            LossKernel.backward(in, wanted, lse, scale, out, columns, from, to));
  }

  /** Adds the partial sums of tiles to a total, in the order of the tiles. */
  private static void addPartials(long partials, int tiles, long total, int columns) {
    for (int tile = 0; tile < tiles; tile++) {
      ElementKernel.add(partials + 4L * tile * columns, total, columns);
    }
  }
}
