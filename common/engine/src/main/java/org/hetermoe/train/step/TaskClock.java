package org.hetermoe.train.step;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import org.hetermoe.schedule.Task;

/**
 * Measures what a rank does, leaving out what it waits for others, and tells its listener. The rank
 * does not wait for its device on that account: a task is told of when the device has done it.
 */
public final class TaskClock implements AutoCloseable {
  private final TaskListener listener;
  private final DeviceTime device;
  private final Traffic traffic;
  private final Deque<Ended> ended = new ArrayDeque<>();
  private long doneNanos;
  private long expertRows;

  /** What a rank has waited and sent since it began. */
  public interface Traffic {
    /** The traffic of a rank that is alone. */
    Traffic NONE =
        new Traffic() {
          @Override
          public long waitedNanos() {
            return 0;
          }

          @Override
          public long sentBytes() {
            return 0;
          }
        };

    /** Time spent waiting for other ranks, in nanoseconds. */
    long waitedNanos();

    /** Bytes given to the channel. */
    long sentBytes();
  }

  /** What the rank has done, and its device has still to do. */
  private record Ended(
      Optional<Task> task,
      long beginNanos,
      long endNanos,
      DeviceTime.Span device,
      long expertRows,
      long sentBytes) {
    void tell(TaskListener listener) {
      long nanos = device.nanos();
      task.ifPresentOrElse(
          each ->
              listener.end(
                  each, new TaskMeasurement(beginNanos, endNanos, nanos, expertRows, sentBytes)),
          () -> listener.betweenTasks(nanos));
    }
  }

  /** A clock of a rank that begins now; {@code device} stays the caller's. */
  public TaskClock(TaskListener listener, DeviceTime device, Traffic traffic) {
    this.listener = listener;
    this.device = device;
    this.traffic = traffic;
    resume();
  }

  /** Whom to tell. */
  public TaskListener listener() {
    return listener;
  }

  /** A step begins. */
  public void beginStep(int step) {
    settle();
    listener.beginStep(step);
    resume();
  }

  /** What was done before this counts for no computation. */
  public void resume() {
    doneNanos = computedNanos();
  }

  /** What a task does. */
  public interface Body {
    /** Does it. */
    void run() throws InterruptedException;
  }

  /** Runs a task of the schedule. */
  public void run(Task task, Body body) throws InterruptedException {
    long begin = System.nanoTime();
    endSpanBetweenTasks(begin);
    long sent = traffic.sentBytes();
    expertRows = 0;
    listener.begin(task);
    body.run();
    DeviceTime.Span span = device.next();
    ended.add(
        new Ended(
            Optional.of(task),
            begin,
            System.nanoTime(),
            span,
            expertRows,
            traffic.sentBytes() - sent));
    while (!ended.isEmpty() && ended.peek().device.isReached()) {
      ended.poll().tell(listener);
    }
  }

  private void endSpanBetweenTasks(long now) {
    ended.add(new Ended(Optional.empty(), now, now, device.next(), 0, 0));
  }

  /** Waits until the device has done all that it was given, and the listener knows of it. */
  public void settle() {
    endSpanBetweenTasks(System.nanoTime());
    while (!ended.isEmpty()) {
      ended.poll().tell(listener);
    }
  }

  /** A piece of device work is done, and its results are about to be sent. */
  public void computed(Computation computation) throws InterruptedException {
    expertRows += computation.expertRows();
    listener.computed(computation, doneNanos + traffic.waitedNanos());
    resume();
  }

  private long computedNanos() {
    return System.nanoTime() - traffic.waitedNanos();
  }

  /** Forgets what the device has not done. */
  @Override
  public void close() {
    ended.forEach(each -> each.device.close());
    ended.clear();
  }
}
