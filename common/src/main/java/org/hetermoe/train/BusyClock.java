package org.hetermoe.train;

/** Measures the share of its time that a worker computes, from one reading to the next. */
final class BusyClock {
  private final GroupLink link;
  private long startNanos = System.nanoTime();
  private long waitedNanos;

  BusyClock(GroupLink link) {
    this.link = link;
  }

  /** The share since the last reading, between 0 and 1. */
  double read() {
    long now = System.nanoTime();
    long elapsed = Math.max(1, now - startNanos);
    long waited = link.waitedNanos() - waitedNanos;
    startNanos = now;
    waitedNanos = link.waitedNanos();
    return Math.clamp(1.0 - (double) waited / elapsed, 0.0, 1.0);
  }
}
