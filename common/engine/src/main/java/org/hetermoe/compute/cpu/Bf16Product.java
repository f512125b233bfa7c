package org.hetermoe.compute.cpu;

/** A matrix product of bf16 whose sums, and whose result, are of single precision. */
interface Bf16Product extends AutoCloseable {
  /**
   * {@code c[m,n] = op(a)[m,k] op(b)[k,n]}, row-major, on the calling thread. Any number of threads
   * may multiply at once.
   *
   * @param transposeA whether op transposes a, which is stored as [k,m] then
   * @param transposeB whether op transposes b, which is stored as [n,k] then
   * @param a address of the first operand, of bf16
   * @param lda elements from one stored row of a to the next
   * @param b address of the second operand, of bf16
   * @param ldb elements from one stored row of b to the next
   * @param c address of the result, [m,n] floats without gaps
   * @param scratch of the calling thread, from {@link ShortProducts#FREE_SLOT} on
   */
  void multiply(
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
      Scratch scratch);

  /** Gives back what products keep. */
  @Override
  void close();
}
