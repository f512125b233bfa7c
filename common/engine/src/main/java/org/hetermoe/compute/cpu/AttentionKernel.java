package org.hetermoe.compute.cpu;

import org.hetermoe.compute.AttentionShape;

/**
 * Causal grouped-query attention. A tile is one head of one sequence; inside, blocks of query rows
 * meet the keys up to their last row, so a block of scores is the most that is ever held. Backward
 * makes the probabilities anew from logSumExp.
 */
final class AttentionKernel {
  /** Query rows of a block. */
  private static final int BLOCK = 64;

  private final AttentionShape shape;
  private final int length;
  private final int headDim;
  private final int queryWidth;
  private final int kvWidth;
  private final float scale;

  AttentionKernel(AttentionShape shape) {
    this.shape = shape;
    this.length = shape.length();
    this.headDim = shape.headDim();
    this.queryWidth = shape.queryWidth();
    this.kvWidth = shape.kvWidth();
    this.scale = (float) (1 / Math.sqrt(headDim));
  }

  int forwardTiles() {
    return shape.sequences() * shape.heads();
  }

  /** Tile: one query head of one sequence. */
  void forward(int tile, long q, long k, long v, long out, long logSumExp, Scratch scratch) {
    int head = tile % shape.heads();
    int firstRow = tile / shape.heads() * length;
    int kvHead = head / (shape.heads() / shape.kvHeads());
    long keys = at(k, firstRow, kvWidth, kvHead * headDim);
    long values = at(v, firstRow, kvWidth, kvHead * headDim);
    int stride = stride();
    long scores = scratch.floats((long) BLOCK * stride + BLOCK);
    long sums = scores + 4L * BLOCK * stride;
    for (int start = 0; start < length; start += BLOCK) {
      int end = Math.min(start + BLOCK, length);
      int row = firstRow + start;
      scores(row, end - start, end, head, q, keys, scores, stride);
      for (int t = start; t < end; t++) {
        long line = scores + 4L * (t - start) * stride;
        float max = SoftmaxKernel.max(line, t + 1);
        float sum = SoftmaxKernel.exp(line, line, t + 1, max);
        Lanes.put(sums + 4L * (t - start), sum);
        ElementKernel.fill(line + 4L * (t + 1), end - t - 1, 0f);
        float lse = max + (float) StrictMath.log(sum);
        Lanes.put(at(logSumExp, firstRow + t, shape.heads(), head), lse);
      }
      OneDnn.sgemm(
          false,
          false,
          end - start,
          headDim,
          end,
          1f,
          scores,
          stride,
          values,
          kvWidth,
          0f,
          at(out, row, queryWidth, head * headDim),
          queryWidth);
      for (int t = start; t < end; t++) {
        long line = at(out, firstRow + t, queryWidth, head * headDim);
        ElementKernel.scale(line, 1f / Lanes.get(sums + 4L * (t - start)), line, headDim);
      }
    }
  }

  int backwardTiles() {
    return shape.sequences() * shape.kvHeads();
  }

  /** Tile: one key/value head of one sequence, with all query heads that it serves, in order. */
  void backward(int tile, Operand in, Gradient gradient, Scratch scratch) {
    int kvHead = tile % shape.kvHeads();
    int firstRow = tile / shape.kvHeads() * length;
    int perKv = shape.heads() / shape.kvHeads();
    for (int t = firstRow; t < firstRow + length; t++) {
      ElementKernel.fill(at(gradient.dk, t, kvWidth, kvHead * headDim), headDim, 0f);
      ElementKernel.fill(at(gradient.dv, t, kvWidth, kvHead * headDim), headDim, 0f);
    }
    for (int head = kvHead * perKv; head < (kvHead + 1) * perKv; head++) {
      for (int start = 0; start < length; start += BLOCK) {
        backwardBlock(firstRow, start, head, kvHead, in, gradient, scratch);
      }
    }
  }

  private void backwardBlock(
      int firstRow,
      int start,
      int head,
      int kvHead,
      Operand in,
      Gradient gradient,
      Scratch scratch) {
    int end = Math.min(start + BLOCK, length);
    int rows = end - start;
    int row = firstRow + start;
    int stride = stride();
    long p = scratch.floats(2L * BLOCK * stride);
    long ds = p + 4L * BLOCK * stride;
    int qColumn = head * headDim;
    int kvColumn = kvHead * headDim;
    long keys = at(in.k, firstRow, kvWidth, kvColumn);
    long values = at(in.v, firstRow, kvWidth, kvColumn);
    long dOut = at(in.dOut, row, queryWidth, qColumn);
    scores(row, rows, end, head, in.q, keys, p, stride);
    OneDnn.sgemm(
        false, true, rows, end, headDim, 1f, dOut, queryWidth, values, kvWidth, 0f, ds, stride);
    for (int t = start; t < end; t++) {
      long line = 4L * (t - start) * stride;
      long query = at(0, firstRow + t, queryWidth, qColumn);
      float pull = ElementKernel.dot(in.dOut + query, in.out + query, headDim);
      float lse = Lanes.get(at(in.logSumExp, firstRow + t, shape.heads(), head));
      VectorMath.exp(p + line, 1f, -lse, p + line, t + 1);
      SoftmaxKernel.backward(p + line, ds + line, t + 1, pull, scale);
      ElementKernel.fill(p + line + 4L * (t + 1), end - t - 1, 0f);
      ElementKernel.fill(ds + line + 4L * (t + 1), end - t - 1, 0f);
    }
    long queries = at(in.q, row, queryWidth, qColumn);
    long dq = at(gradient.dq, row, queryWidth, qColumn);
    long dk = at(gradient.dk, firstRow, kvWidth, kvColumn);
    long dv = at(gradient.dv, firstRow, kvWidth, kvColumn);
    OneDnn.sgemm(true, false, end, headDim, rows, 1f, p, stride, dOut, queryWidth, 1f, dv, kvWidth);
    OneDnn.sgemm(
        true, false, end, headDim, rows, 1f, ds, stride, queries, queryWidth, 1f, dk, kvWidth);
    OneDnn.sgemm(
        false, false, rows, headDim, end, 1f, ds, stride, keys, kvWidth, 0f, dq, queryWidth);
  }

  /** scores[rows, keyCount] = scale * q k^T. */
  private void scores(
      int row, int rows, int keyCount, int head, long q, long keys, long scores, int stride) {
    OneDnn.sgemm(
        false,
        true,
        rows,
        keyCount,
        headDim,
        scale,
        at(q, row, queryWidth, head * headDim),
        queryWidth,
        keys,
        kvWidth,
        0f,
        scores,
        stride);
  }

  /** Floats from one row of scores to the next: whole registers. */
  private int stride() {
    return Math.ceilDiv(length, Lanes.COUNT) * Lanes.COUNT;
  }

  private static long at(long base, long row, long columns, int column) {
    return base + (row * columns + column) * Float.BYTES;
  }

  /** Addresses of what backward reads. */
  record Operand(long q, long k, long v, long out, long logSumExp, long dOut) {}

  /** Addresses of what backward writes. */
  record Gradient(long dq, long dk, long dv) {}
}
