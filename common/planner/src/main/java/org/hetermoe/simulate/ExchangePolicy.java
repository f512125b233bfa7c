package org.hetermoe.simulate;

/**
 * How tokens' rows travel between attention and experts.
 *
 * @param parts so many consecutive micro-batches go through each layer together: their rows leave
 *     when the attention of all of them is done, and attention goes on when all are back; they are
 *     the parts in which an exchange overlaps with its experts
 * @param backwardTraffic how often rows travel in the backward pass; 2 where recomputation of a
 *     whole layer repeats the forward exchange
 */
record ExchangePolicy(int parts, double backwardTraffic) {
  /** Each micro-batch leaves when it is ready; both sides recompute from what they kept. */
  static final ExchangePolicy ZEBRA = new ExchangePolicy(1, 1);

  /** The micro-batch whose attention is the last that the rows of a micro-batch wait for. */
  int lastPart(int microBatch) {
    return microBatch / parts * parts + parts - 1;
  }

  /** The micro-batch whose attention is the first that waits for the rows of a micro-batch. */
  int firstPart(int microBatch) {
    return microBatch / parts * parts;
  }
}
