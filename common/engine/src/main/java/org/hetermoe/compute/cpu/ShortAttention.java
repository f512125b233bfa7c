package org.hetermoe.compute.cpu;

import org.hetermoe.compute.AttentionShape;
import org.hetermoe.tensor.DType;

/**
 * Attention of 16 bits. A tile is a key/value head of a sequence with the query heads that it
 * serves: it is copied together, in single precision, as a small attention of its own, on which
 * {@link AttentionKernel} works; what that gives is rounded when it is put back.
 */
final class ShortAttention {
  private static final int QUERY = 0;
  private static final int KEY = 1;
  private static final int VALUE = 2;
  private static final int OUT = 3;
  private static final int LOG_SUM_EXP = 4;
  private static final int D_OUT = 5;
  private static final int D_QUERY = 6;
  private static final int D_KEY = 7;
  private static final int D_VALUE = 8;

  private final AttentionShape shape;
  private final AttentionShape tileShape;
  private final Elements q;
  private final Elements k;
  private final Elements v;
  private final Elements out;
  private final long logSumExp;

  /** Takes the operands of both directions; forward writes the last two, backward reads them. */
  ShortAttention(
      AttentionShape shape, Elements q, Elements k, Elements v, Elements out, long logSumExp) {
    this.shape = shape;
    this.tileShape =
        new AttentionShape(1, shape.length(), shape.heads() / shape.kvHeads(), 1, shape.headDim());
    this.q = q;
    this.k = k;
    this.v = v;
    this.out = out;
    this.logSumExp = logSumExp;
  }

  /** What backward reads and writes beside the operands of forward. */
  record Gradients(Elements dOut, Elements dq, Elements dk, Elements dv) {}

  int count() {
    return shape.sequences() * shape.kvHeads();
  }

  void forward(int tile, Scratch scratch) {
    long queries = read(q, tile, tileShape.queryWidth(), scratch, QUERY);
    long keys = read(k, tile, tileShape.kvWidth(), scratch, KEY);
    long values = read(v, tile, tileShape.kvWidth(), scratch, VALUE);
    long outs = room(tileShape.queryWidth(), scratch, OUT);
    long sums = room(tileShape.heads(), scratch, LOG_SUM_EXP);
    AttentionKernel kernel = new AttentionKernel(tileShape);
    for (int head = 0; head < kernel.forwardTiles(); head++) {
      kernel.forward(head, queries, keys, values, outs, sums, scratch);
    }
    store(outs, out, tile, tileShape.queryWidth());
    store(sums, sums(), tile, tileShape.heads());
  }

  void backward(int tile, Gradients gradients, Scratch scratch) {
    AttentionKernel.Operand in =
        new AttentionKernel.Operand(
            read(q, tile, tileShape.queryWidth(), scratch, QUERY),
            read(k, tile, tileShape.kvWidth(), scratch, KEY),
            read(v, tile, tileShape.kvWidth(), scratch, VALUE),
            read(out, tile, tileShape.queryWidth(), scratch, OUT),
            read(sums(), tile, tileShape.heads(), scratch, LOG_SUM_EXP),
            read(gradients.dOut, tile, tileShape.queryWidth(), scratch, D_OUT));
    AttentionKernel.Gradient result =
        new AttentionKernel.Gradient(
            room(tileShape.queryWidth(), scratch, D_QUERY),
            room(tileShape.kvWidth(), scratch, D_KEY),
            room(tileShape.kvWidth(), scratch, D_VALUE));
    new AttentionKernel(tileShape).backward(0, in, result, scratch);
    store(result.dq(), gradients.dq, tile, tileShape.queryWidth());
    store(result.dk(), gradients.dk, tile, tileShape.kvWidth());
    store(result.dv(), gradients.dv, tile, tileShape.kvWidth());
  }

  private Elements sums() {
    return new Elements(logSumExp, DType.F32);
  }

  private long room(int width, Scratch scratch, int slot) {
    return scratch.operand(slot, (long) shape.length() * width);
  }

  /** The tile's {@code width} columns of each row of its sequence. */
  private long read(Elements x, int tile, int width, Scratch scratch, int slot) {
    long floats = room(width, scratch, slot);
    for (int t = 0; t < shape.length(); t++) {
      x.copyTo(first(tile, t, width), width, floats + 4L * t * width);
    }
    return floats;
  }

  private void store(long floats, Elements x, int tile, int width) {
    for (int t = 0; t < shape.length(); t++) {
      x.store(floats + 4L * t * width, first(tile, t, width), width);
    }
  }

  private long first(int tile, int t, int width) {
    long row = (long) (tile / shape.kvHeads()) * shape.length() + t;
    return (row * shape.kvHeads() + tile % shape.kvHeads()) * width;
  }
}
