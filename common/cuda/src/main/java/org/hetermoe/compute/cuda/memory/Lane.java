package org.hetermoe.compute.cuda.memory;

import java.util.ArrayDeque;
import org.hetermoe.compute.cuda.driver.Context;
import org.hetermoe.compute.cuda.driver.Event;
import org.hetermoe.compute.cuda.driver.Stream;

/**
 * A stream that counts what is queued in it. Each piece of work takes the next ticket; whoever has
 * to come after it, another lane or the host, waits for an event that was recorded after the
 * ticket. Events are recorded where somebody may want them, not for each piece of work, and one
 * serves all who wait for anything before it. Thread-safe.
 */
public final class Lane implements AutoCloseable {
  /** How many lanes a device has; {@link #index} is below. */
  static final int COUNT = 3;

  private static final int MOST_MARKS = 64;

  private final Context context;
  private final int index;
  private final Stream stream;
  private final ArrayDeque<Mark> marks = new ArrayDeque<>();
  private final ArrayDeque<Event> spare = new ArrayDeque<>();

  /** By lane, the ticket that this lane has already been made to wait for. */
  private final long[] waitedFor = new long[COUNT];

  private long submitted;
  private long reached;

  /** An event recorded once everything up to a ticket was queued. */
  private record Mark(long ticket, Event event) {}

  Lane(Context context, int index) {
    this.context = context;
    this.index = index;
    this.stream = context.newStream();
  }

  int index() {
    return index;
  }

  /** Where work is queued. */
  public Stream stream() {
    return stream;
  }

  /**
   * The ticket of the work that the caller queues next. Until it has, this lane may not be waited
   * for: an event recorded meanwhile would promise too much.
   */
  public synchronized long nextTicket() {
    return ++submitted;
  }

  /** Records an event now that a ticket may be waited for, unless there is one after it. */
  synchronized void mark(long ticket) {
    if (ticket > reached) {
      markAfter(ticket);
    }
  }

  /** What is queued here from now on comes after the work of another lane's ticket. */
  void waitFor(Lane other, long ticket) {
    if (ticket <= waitedFor[other.index]) {
      return;
    }
    synchronized (other) {
      if (ticket <= other.reached) {
        return;
      }
      Mark mark = other.markAfter(ticket);
      stream.waitFor(mark.event);
      waitedFor[other.index] = mark.ticket;
    }
  }

  private Mark markAfter(long ticket) {
    for (Mark mark : marks) {
      if (mark.ticket >= ticket) {
        return mark;
      }
    }
    if (marks.size() >= MOST_MARKS) {
      forgetReached();
    }
    Event event = spare.isEmpty() ? context.newEvent() : spare.pop();
    event.record(stream);
    Mark mark = new Mark(submitted, event);
    marks.add(mark);
    return mark;
  }

  private void forgetReached() {
    while (!marks.isEmpty() && marks.peek().event.isReached()) {
      Mark mark = marks.poll();
      reached = mark.ticket;
      spare.push(mark.event);
    }
  }

  /** Whether the work of a ticket is done. */
  synchronized boolean isDone(long ticket) {
    if (ticket > reached) {
      markAfter(ticket);
      forgetReached();
    }
    return ticket <= reached;
  }

  /** Waits until the work of a ticket is done. */
  void await(long ticket) {
    Event event;
    synchronized (this) {
      if (ticket <= reached) {
        return;
      }
      event = markAfter(ticket).event;
    }
    // Should the event have been reached and recorded anew by now, the wait is longer, not shorter.
    event.synchronize();
  }

  /** Waits until all that is queued is done. */
  public void synchronize() {
    long ticket;
    synchronized (this) {
      ticket = submitted;
    }
    stream.synchronize();
    synchronized (this) {
      reached = Math.max(reached, ticket);
      while (!marks.isEmpty() && marks.peek().ticket <= reached) {
        spare.push(marks.poll().event);
      }
    }
  }

  @Override
  public synchronized void close() {
    marks.forEach(mark -> mark.event.close());
    spare.forEach(Event::close);
    marks.clear();
    spare.clear();
    stream.close();
  }
}
