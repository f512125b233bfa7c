package org.hetermoe.train.step;

import java.lang.reflect.Proxy;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Mark;

/**
 * A device that does what it is given one piece after the other, beside its host, on a clock that
 * the test moves.
 */
final class LateDevice {
  private long now;
  private long doneAt;
  private int openMarks;

  /** As much of a device as is asked for marks. */
  Compute compute() {
    return (Compute)
        Proxy.newProxyInstance(
            LateDevice.class.getClassLoader(),
            new Class<?>[] {Compute.class},
            (_, method, _) -> {
              if (method.getName().equals("mark")) {
                return new LateMark();
              }
              throw new UnsupportedOperationException(method.getName());
            });
  }

  /** So much to compute, from when the device has nothing else to do. */
  void give(long nanos) {
    doneAt = Math.max(now, doneAt) + nanos;
  }

  /** The host goes on for so long. */
  void pass(long nanos) {
    now += nanos;
  }

  /** Marks that nobody has closed. */
  int openMarks() {
    return openMarks;
  }

  private final class LateMark implements Mark {
    private final long at = Math.max(now, doneAt);

    LateMark() {
      openMarks++;
    }

    @Override
    public boolean isReached() {
      return at <= now;
    }

    @Override
    public long nanosSince(Mark earlier) {
      now = Math.max(now, at);
      return at - ((LateMark) earlier).at;
    }

    @Override
    public void close() {
      openMarks--;
    }
  }
}
