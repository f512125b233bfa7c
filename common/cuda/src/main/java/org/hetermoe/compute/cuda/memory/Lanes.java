package org.hetermoe.compute.cuda.memory;

import org.hetermoe.compute.cuda.driver.Context;

/**
 * The three queues of a device, which work at the same time: computing, copying in, copying out.
 */
public final class Lanes implements AutoCloseable {
  private final Lane compute;
  private final Lane in;
  private final Lane out;

  /** Lanes of a context. */
  public Lanes(Context context) {
    this.compute = new Lane(context, 0);
    this.in = new Lane(context, 1);
    this.out = new Lane(context, 2);
  }

  /** Where operations are queued. */
  public Lane compute() {
    return compute;
  }

  /** Where copies to the device are queued. */
  public Lane in() {
    return in;
  }

  /** Where copies to the host are queued. */
  public Lane out() {
    return out;
  }

  Lane of(int index) {
    return switch (index) {
      case 0 -> compute;
      case 1 -> in;
      default -> out;
    };
  }

  /** Waits until all that is queued is done. */
  public void synchronize() {
    in.synchronize();
    compute.synchronize();
    out.synchronize();
  }

  @Override
  public void close() {
    compute.close();
    in.close();
    out.close();
  }
}
