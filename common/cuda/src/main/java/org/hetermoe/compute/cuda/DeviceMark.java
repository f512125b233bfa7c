package org.hetermoe.compute.cuda;

import org.hetermoe.compute.Mark;
import org.hetermoe.compute.cuda.driver.Event;
import org.hetermoe.compute.cuda.driver.Stream;

/** A timed event in the stream that computes. */
final class DeviceMark implements Mark {
  private final Event event;

  DeviceMark(Stream stream) {
    this.event = stream.context().newTimingEvent();
    event.record(stream);
  }

  @Override
  public boolean isReached() {
    return event.isReached();
  }

  @Override
  public long nanosSince(Mark earlier) {
    if (!(earlier instanceof DeviceMark other)) {
      throw new IllegalArgumentException("a mark of another device");
    }
    event.synchronize();
    return event.nanosSince(other.event);
  }

  @Override
  public void close() {
    event.close();
  }
}
