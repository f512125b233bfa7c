package org.hetermoe.compute;

/**
 * A place in the order of a device's operations: reached once all that was called before it is
 * done. What lies between two marks of a device took it the time between them.
 */
public interface Mark extends AutoCloseable {
  /** Whether it is reached, without waiting. */
  boolean isReached();

  /**
   * Nanoseconds on the device's clock from an earlier mark to this one; waits until this one is
   * reached.
   *
   * @throws IllegalArgumentException if the other is of another device
   */
  long nanosSince(Mark earlier);

  /** Gives back what the device keeps for it. */
  @Override
  void close();

  /** A mark on a device that has done an operation when its call returns: now. */
  static Mark now() {
    return new Host(System.nanoTime());
  }

  /**
   * A mark on the host's clock.
   *
   * @param nanos as {@link System#nanoTime} has it
   */
  record Host(long nanos) implements Mark {
    @Override
    public boolean isReached() {
      return true;
    }

    @Override
    public long nanosSince(Mark earlier) {
      if (earlier instanceof Host host) {
        return nanos - host.nanos;
      }
      throw new IllegalArgumentException("a mark of another device");
    }

    @Override
    public void close() {}
  }
}
