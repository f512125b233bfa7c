package org.hetermoe.compute.cpu;

import org.hetermoe.tensor.DType;

/** What a product of bf16 means, put plainly: operands widened, and multiplied as such. */
final class WidenedProduct implements Bf16Product {
  private static final int LEFT = ShortProducts.FREE_SLOT;
  private static final int RIGHT = ShortProducts.FREE_SLOT + 1;

  @Override
  public void multiply(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      long a,
      long lda,
      long b,
      long ldb,
      long c,
      Scratch scratch) {
    long left = widen(a, lda, transposeA ? k : m, transposeA ? m : k, scratch, LEFT);
    long right = widen(b, ldb, transposeB ? n : k, transposeB ? k : n, scratch, RIGHT);
    OneDnn.sgemm(
        transposeA,
        transposeB,
        m,
        n,
        k,
        1f,
        left,
        transposeA ? m : k,
        right,
        transposeB ? k : n,
        0f,
        c,
        n);
  }

  private static long widen(
      long address, long stride, int rows, int columns, Scratch scratch, int slot) {
    Elements stored = new Elements(address, DType.BF16);
    long floats = scratch.operand(slot, (long) rows * columns);
    for (int row = 0; row < rows; row++) {
      stored.copyTo(row * stride, columns, floats + 4L * row * columns);
    }
    return floats;
  }

  @Override
  public void close() {}
}
