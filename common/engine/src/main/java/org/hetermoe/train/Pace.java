package org.hetermoe.train;

import org.hetermoe.schedule.Task.Direction;

/**
 * How long a worker takes for what it has computed: as long as it did, or as long as an emulated
 * device would. Each method returns when work that began at {@code startNanos} ({@link
 * System#nanoTime}) has taken its time; never earlier. Several workers of a process may share one:
 * safe for several threads.
 */
public interface Pace {
  /** As long as it takes. */
  Pace REAL =
      new Pace() {
        @Override
        public void attention(int sequences, Direction direction, long startNanos) {}

        @Override
        public void embedding(int tokens, Direction direction, long startNanos) {}

        @Override
        public void head(int tokens, Direction direction, long startNanos) {}

        @Override
        public void experts(int[] rows, Direction direction, long startNanos) {}

        @Override
        public void optimizer(long parameters, long startNanos) {}
      };

  /** One layer's attention side of so many sequences. */
  void attention(int sequences, Direction direction, long startNanos) throws InterruptedException;

  /** Embedding of so many tokens. */
  void embedding(int tokens, Direction direction, long startNanos) throws InterruptedException;

  /** Final norm, head and loss of so many tokens. */
  void head(int tokens, Direction direction, long startNanos) throws InterruptedException;

  /**
   * Experts of one layer.
   *
   * @param rows that each of them computed
   */
  void experts(int[] rows, Direction direction, long startNanos) throws InterruptedException;

  /** The optimizer's step over so many parameters. */
  void optimizer(long parameters, long startNanos) throws InterruptedException;
}
