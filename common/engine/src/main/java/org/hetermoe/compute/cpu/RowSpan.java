package org.hetermoe.compute.cpu;

/**
 * The rows of a tile, for kernels that count rows from the first of the tensor: addresses are those
 * that the first row would have.
 *
 * @param from first row
 * @param to row after the last
 * @param columns of a row
 */
record RowSpan(int from, int to, int columns) {

  /** As {@link Elements#read}. */
  long read(Elements x, Scratch scratch, int slot) {
    return x.read(first(), count(), scratch, slot) - 4 * first();
  }

  /** As {@link Elements#room}. */
  long room(Elements x, Scratch scratch, int slot) {
    return x.room(first(), count(), scratch, slot) - 4 * first();
  }

  /** As {@link Elements#store}. */
  void store(long floats, Elements x) {
    x.store(floats + 4 * first(), first(), count());
  }

  private long first() {
    return (long) from * columns;
  }

  private int count() {
    return (to - from) * columns;
  }
}
