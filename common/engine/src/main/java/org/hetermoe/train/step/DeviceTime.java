package org.hetermoe.train.step;

import java.util.ArrayDeque;
import java.util.Deque;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Mark;

/**
 * How long a rank's device computes, on the device's own clock. It does so from where the rank has
 * what it waited for to where the device has done all that it was given before the next wait; so
 * what a device computes while its rank waits counts, and a device without anything to do does not.
 * On the processor's own device this is the rank's time less its waiting.
 *
 * <p>Used by the rank's own thread.
 */
public final class DeviceTime implements AutoCloseable {
  private final Compute compute;
  private Span span = new Span();
  private Mark since;

  /** The time of a device, which stays the caller's; it begins with the first span. */
  public DeviceTime(Compute compute) {
    this.compute = compute;
  }

  /** What a device computes between two places of its rank's work; known once it has done so. */
  static final class Span implements AutoCloseable {
    private final Deque<Stretch> open = new ArrayDeque<>();
    private long nanos;

    private record Stretch(Mark begin, Mark end) {}

    private void add(Mark begin, Mark end) {
      open.add(new Stretch(begin, end));
      isReached();
    }

    /** Whether the device has done it, without waiting. */
    boolean isReached() {
      while (!open.isEmpty() && open.peek().end.isReached()) {
        settle(open.poll());
      }
      return open.isEmpty();
    }

    /** How long it took the device, nanoseconds; waits until that is known. */
    long nanos() {
      while (!open.isEmpty()) {
        settle(open.poll());
      }
      return nanos;
    }

    private void settle(Stretch done) {
      try (Mark begin = done.begin;
          Mark end = done.end) {
        nanos += end.nanosSince(begin);
      }
    }

    @Override
    public void close() {
      for (Stretch each : open) {
        each.begin.close();
        each.end.close();
      }
      open.clear();
    }
  }

  /** The rank waits for others: what the device was given so far is all that it computes. */
  void pause() {
    if (since != null) {
      span.add(since, compute.mark());
      since = null;
    }
  }

  /** The rank has what it waited for, and what came is on its way to the device. */
  void resume() {
    if (since == null) {
      since = compute.mark();
    }
  }

  /** Ends a span, and begins the next. */
  Span next() {
    pause();
    Span ended = span;
    span = new Span();
    resume();
    return ended;
  }

  @Override
  public void close() {
    span.close();
    if (since != null) {
      since.close();
      since = null;
    }
  }
}
