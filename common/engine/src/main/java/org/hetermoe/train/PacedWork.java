package org.hetermoe.train;

import java.util.function.LongSupplier;
import org.hetermoe.schedule.Task.Direction;

/**
 * Holds a worker to its {@link Pace}, one piece of work after the other. A piece has taken what
 * passed since the piece before, less what was spent waiting for others: so what is done in
 * between, such as the gate branch while the experts work, counts for the piece that follows.
 */
final class PacedWork {
  private final Pace pace;
  private final LongSupplier waitedNanos;
  private long doneNanos;

  /**
   * Work that has not begun.
   *
   * @param waitedNanos how long the worker has waited for others so far
   */
  PacedWork(Pace pace, LongSupplier waitedNanos) {
    this.pace = pace;
    this.waitedNanos = waitedNanos;
    begin();
  }

  /** Work that takes as long as it takes. */
  static PacedWork real() {
    return new PacedWork(Pace.REAL, () -> 0);
  }

  /** What was done before counts for nothing. */
  void begin() {
    doneNanos = System.nanoTime() - waitedNanos.getAsLong();
  }

  /** A layer's attention side is done, to be sent. */
  void attention(int sequences, Direction direction) throws InterruptedException {
    pace.attention(sequences, direction, start());
    begin();
  }

  /** The embedding is done. */
  void embedding(int tokens, Direction direction) throws InterruptedException {
    pace.embedding(tokens, direction, start());
    begin();
  }

  /** Final norm, head and loss are done. */
  void head(int tokens, Direction direction) throws InterruptedException {
    pace.head(tokens, direction, start());
    begin();
  }

  /** The experts of a layer are done, to be sent. */
  void experts(int[] rows, Direction direction) throws InterruptedException {
    pace.experts(rows, direction, start());
    begin();
  }

  /** The optimizer's step is done. */
  void optimizer(long parameters) throws InterruptedException {
    pace.optimizer(parameters, start());
    begin();
  }

  private long start() {
    return doneNanos + waitedNanos.getAsLong();
  }
}
