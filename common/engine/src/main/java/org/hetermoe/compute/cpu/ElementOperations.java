package org.hetermoe.compute.cpu;

import org.hetermoe.compute.AdamWStep;
import org.hetermoe.compute.Operands;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.host.Conversion;
import org.hetermoe.compute.host.HostTensor;
import org.hetermoe.tensor.DType;

/** Operations on elements, wherever in a tensor they lie. */
final class ElementOperations {
  private final Tiling tiling;
  private double[] partialSquares = new double[0];

  ElementOperations(Tiling tiling) {
    this.tiling = tiling;
  }

  void fill(Tensor x, float value) {
    Operands.floatingPoint(x, "x");
    if (x.dtype() != DType.F32) {
      Conversion.fill(HostTensor.of(x), value);
      return;
    }
    long at = Addresses.of(x);
    tiling.elements(x, (from, count, scratch) -> ElementKernel.fill(at + 4L * from, count, value));
  }

  void add(Tensor source, Tensor target) {
    Operands.add(source, target);
    long from = Addresses.of(source);
    long to = Addresses.of(target);
    tiling.elements(
        target,
        (first, count, scratch) -> ElementKernel.add(from + 4L * first, to + 4L * first, count));
  }

  void swiGlu(Tensor gate, Tensor up, Tensor out) {
    Operands.swiGlu(gate, up, out);
    long gates = Addresses.of(gate);
    long ups = Addresses.of(up);
    long outs = Addresses.of(out);
    tiling.elements(
        gate,
        (from, count, scratch) -> {
          long at = 4L * from;
          SwiGluKernel.forward(gates + at, ups + at, outs + at, count, scratch);
        });
  }

  void swiGluBackward(Tensor gate, Tensor up, Tensor dOut, Tensor dGate, Tensor dUp) {
    Operands.swiGlu(gate, up, dOut, dGate, dUp);
    long gates = Addresses.of(gate);
    long ups = Addresses.of(up);
    long dOuts = Addresses.of(dOut);
    long dGates = Addresses.of(dGate);
    long dUps = Addresses.of(dUp);
    tiling.elements(
        gate,
        (from, count, scratch) -> {
          long at = 4L * from;
          SwiGluKernel.backward(
              gates + at, ups + at, dOuts + at, dGates + at, dUps + at, count, scratch);
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
    AdamWKernel kernel = new AdamWKernel(step);
    tiling.elements(
        master,
        (from, count, scratch) -> {
          long at = 4L * from;
          kernel.run(ps + at, gs + at, ms + at, vs + at, count);
        });
    // Layers do not compute in other types here, but weights may be kept in one.
    if (value.dtype() != DType.F32 || Addresses.of(value) != ps) {
      Conversion.convert(HostTensor.of(master), HostTensor.of(value));
    }
  }
}
