package org.hetermoe.train.step;

import org.hetermoe.schedule.Task;

/** Measures what a rank does, leaving out what it waits for others, and tells its listener. */
public final class TaskClock {
  private final TaskListener listener;
  private final Traffic traffic;
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

  /** A clock of a rank that begins now. */
  public TaskClock(TaskListener listener, Traffic traffic) {
    this.listener = listener;
    this.traffic = traffic;
    resume();
  }

  /** Whom to tell. */
  public TaskListener listener() {
    return listener;
  }

  /** A step begins. */
  public void beginStep(int step) {
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
    long waited = traffic.waitedNanos();
    long sent = traffic.sentBytes();
    expertRows = 0;
    listener.begin(task);
    body.run();
    // One reading for both durations: between two the thread may lose its processor.
    long end = System.nanoTime();
    listener.end(
        task,
        new TaskMeasurement(
            begin,
            end,
            end - begin - (traffic.waitedNanos() - waited),
            expertRows,
            traffic.sentBytes() - sent));
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
}
