package org.hetermoe.compute.cpu;

import org.hetermoe.compute.AttentionShape;
import org.hetermoe.compute.Operands;
import org.hetermoe.compute.Tensor;
import org.hetermoe.tensor.DType;

/** Attention, and the turning of its queries and keys. */
final class AttentionOperations {
  private final TileRunner runner;
  private final Tiling tiling;
  private final ShortTypes types;

  AttentionOperations(TileRunner runner, Tiling tiling, ShortTypes types) {
    this.runner = runner;
    this.tiling = tiling;
    this.types = types;
  }

  void rope(Tensor x, Tensor cos, Tensor sin, int headDim) {
    Operands.rope(x, cos, sin, headDim);
    rotate(x, cos, sin, headDim, 1f);
  }

  void ropeBackward(Tensor dx, Tensor cos, Tensor sin, int headDim) {
    Operands.rope(dx, cos, sin, headDim);
    rotate(dx, cos, sin, headDim, -1f);
  }

  void attention(Tensor q, Tensor k, Tensor v, AttentionShape shape, Tensor out, Tensor logSumExp) {
    Operands.attention(q, k, v, shape, out, logSumExp);
    if (q.dtype() != DType.F32) {
      ShortAttention tiles =
          new ShortAttention(
              shape,
              types.elements(q),
              types.elements(k),
              types.elements(v),
              types.elements(out),
              Addresses.of(logSumExp));
      runner.run(tiles.count(), tiles::forward);
      return;
    }
    long qs = Addresses.of(q);
    long ks = Addresses.of(k);
    long vs = Addresses.of(v);
    long outs = Addresses.of(out);
    long lse = Addresses.of(logSumExp);
    AttentionKernel kernel = new AttentionKernel(shape);
    runner.run(
        kernel.forwardTiles(),
        (tile, scratch) -> kernel.forward(tile, qs, ks, vs, outs, lse, scratch));
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
    if (q.dtype() != DType.F32) {
      ShortAttention tiles =
          new ShortAttention(
              shape,
              types.elements(q),
              types.elements(k),
              types.elements(v),
              types.elements(out),
              Addresses.of(logSumExp));
      ShortAttention.Gradients gradients =
          new ShortAttention.Gradients(
              types.elements(dOut), types.elements(dq), types.elements(dk), types.elements(dv));
      runner.run(tiles.count(), (tile, scratch) -> tiles.backward(tile, gradients, scratch));
      return;
    }
    AttentionKernel kernel = new AttentionKernel(shape);
    AttentionKernel.Operand in =
        new AttentionKernel.Operand(
            Addresses.of(q),
            Addresses.of(k),
            Addresses.of(v),
            Addresses.of(out),
            Addresses.of(logSumExp),
            Addresses.of(dOut));
    AttentionKernel.Gradient gradient =
        new AttentionKernel.Gradient(Addresses.of(dq), Addresses.of(dk), Addresses.of(dv));
    runner.run(
        kernel.backwardTiles(), (tile, scratch) -> kernel.backward(tile, in, gradient, scratch));
  }

  private void rotate(Tensor x, Tensor cos, Tensor sin, int headDim, float sign) {
    Elements xs = types.elements(x);
    long cosines = Addresses.of(cos);
    long sines = Addresses.of(sin);
    int columns = x.shape().columns();
    int length = cos.shape().rows();
    tiling.rows(
        x,
        (tile, from, to, scratch) -> {
          RowSpan span = new RowSpan(from, to, columns);
          long at = span.read(xs, scratch, 0);
          RopeKernel.rotate(at, cosines, sines, sign, columns, headDim, length, from, to);
          span.store(at, xs);
        });
  }
}
