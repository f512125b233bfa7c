package org.hetermoe.compute.cpu;

import org.hetermoe.compute.AdamWStep;
import org.hetermoe.compute.Operands;
import org.hetermoe.compute.Tensor;

/** Operations on elements, wherever in a tensor they lie. */
final class ElementOperations {
  private final Tiling tiling;
  private final ShortTypes types;
  private double[] partialSquares = new double[0];

  ElementOperations(Tiling tiling, ShortTypes types) {
    this.tiling = tiling;
    this.types = types;
  }

  void fill(Tensor x, float value) {
    Operands.floatingPoint(x, "x");
    Elements xs = Elements.ofAny(x);
    tiling.elements(
        x,
        (from, count, scratch) -> {
          long at = xs.room(from, count, scratch, 0);
          ElementKernel.fill(at, count, value);
          xs.store(at, from, count);
        });
  }

  void convert(Tensor source, Tensor target) {
    Operands.convert(source, target);
    Elements from = Elements.ofAny(source);
    Elements to = Elements.ofAny(target);
    tiling.elements(
        target,
        (first, count, scratch) -> to.store(from.read(first, count, scratch, 0), first, count));
  }

  void add(Tensor source, Tensor target) {
    Operands.add(source, target);
    Elements from = types.elements(source);
    Elements to = types.elements(target);
    tiling.elements(
        target,
        (first, count, scratch) -> {
          long sum = to.read(first, count, scratch, 0);
          ElementKernel.add(from.read(first, count, scratch, 1), sum, count);
          to.store(sum, first, count);
        });
  }

  void swiGlu(Tensor gate, Tensor up, Tensor out) {
    Operands.swiGlu(gate, up, out);
    Elements gates = types.elements(gate);
    Elements ups = types.elements(up);
    Elements outs = types.elements(out);
    tiling.elements(
        gate,
        (from, count, scratch) -> {
          long result = outs.room(from, count, scratch, 2);
          SwiGluKernel.forward(
              gates.read(from, count, scratch, 0),
              ups.read(from, count, scratch, 1),
              result,
              count,
              scratch);
          outs.store(result, from, count);
        });
  }

  void swiGluBackward(Tensor gate, Tensor up, Tensor dOut, Tensor dGate, Tensor dUp) {
    Operands.swiGlu(gate, up, dOut, dGate, dUp);
    Elements gates = types.elements(gate);
    Elements ups = types.elements(up);
    Elements dOuts = types.elements(dOut);
    Elements dGates = types.elements(dGate);
    Elements dUps = types.elements(dUp);
    tiling.elements(
        gate,
        (from, count, scratch) -> {
          long dGateAt = dGates.room(from, count, scratch, 3);
          long dUpAt = dUps.room(from, count, scratch, 4);
          SwiGluKernel.backward(
              gates.read(from, count, scratch, 0),
              ups.read(from, count, scratch, 1),
              dOuts.read(from, count, scratch, 2),
              dGateAt,
              dUpAt,
              count,
              scratch);
          dGates.store(dGateAt, from, count);
          dUps.store(dUpAt, from, count);
        });
  }

  double sumOfSquares(Tensor x) {
    Operands.floats(x, "x");
    long xs = Addresses.of(x);
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

  void adamW(Tensor master, Tensor value, Tensor gradient, Tensor m, Tensor v, AdamWStep step) {
    Operands.adamW(master, value, gradient, m, v);
    long ps = Addresses.of(master);
    long gs = Addresses.of(gradient);
    long ms = Addresses.of(m);
    long vs = Addresses.of(v);
    Elements values = Elements.ofAny(value);
    AdamWKernel kernel = new AdamWKernel(step);
    tiling.elements(
        master,
        (from, count, scratch) -> {
          long at = 4L * from;
          kernel.run(ps + at, gs + at, ms + at, vs + at, count);
          values.store(ps + at, from, count); // weights may be kept in any type
        });
  }
}
