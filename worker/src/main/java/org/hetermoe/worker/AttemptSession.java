package org.hetermoe.worker;

import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.hetermoe.channel.Channel.Traffic;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.group.Placement;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Event;
import org.hetermoe.train.TrainingEnd;
import org.jboss.logging.Logger;

/**
 * What this process does for one attempt at a run: the threads of its ranks, from their preparation
 * to the end of the last. Changed by the thread of {@link CommandLoop} alone; {@link #state},
 * {@link #step} and {@link #traffic} may be asked by anybody.
 *
 * <pre>
 *   Preparing --all ranks prepared--> Prepared --start--> Training --all ranks done--> Finished
 *       |                                |                   |
 *       +--- abort, failure, newer attempt, shutdown: leave -+--> Ending --all threads over--> Left
 * </pre>
 */
final class AttemptSession {
  /** How far the attempt is in this process. */
  sealed interface State {
    /** The state's name, for people. */
    default String label() {
      return getClass().getSimpleName().toLowerCase(Locale.ROOT);
    }

    /** Ranks load weights and data. */
    record Preparing() implements State {}

    /** All ranks wait for the start. */
    record Prepared() implements State {}

    /** Ranks train. */
    record Training() implements State {}

    /** Ranks have been told to leave; some may not have done so yet. */
    record Ending() implements State {}

    /** All ranks have done their part. */
    record Finished(TrainingEnd outcome) implements State {}

    /** All ranks have left before the end. */
    record Left() implements State {}
  }

  private static final Logger LOG = Logger.getLogger(AttemptSession.class);

  /** How long a rank may take to notice that its channel is gone before it is interrupted. */
  private static final Duration ABORT_TIMEOUT = Duration.ofSeconds(1);

  private final RunKey key;
  private final String worker;
  private final List<RankThread> threads;
  private final RunReports reports;
  private final ScheduledExecutorService loop;
  private final List<TrainingEnd> outcomes = new ArrayList<>();
  private volatile State state = new State.Preparing();
  private int prepared;
  private int ended;

  /**
   * A session that has not begun.
   *
   * @param worker stable id of this worker
   * @param threads of the attempt's ranks that live in this process, at least one
   * @param loop runs what changes the session
   */
  AttemptSession(
      RunKey key,
      String worker,
      List<RankThread> threads,
      RunReports reports,
      ScheduledExecutorService loop) {
    this.key = key;
    this.worker = worker;
    this.threads = List.copyOf(threads);
    this.reports = reports;
    this.loop = loop;
  }

  RunKey key() {
    return key;
  }

  State state() {
    return state;
  }

  /** Whether it has neither ended nor been told to. */
  boolean active() {
    return switch (state) {
      case State.Preparing _, State.Prepared _, State.Training _ -> true;
      case State.Ending _, State.Finished _, State.Left _ -> false;
    };
  }

  boolean has(RankThread thread) {
    return threads.contains(thread);
  }

  /** Has all ranks prepare. */
  void begin() {
    LOG.infof("%s: preparing %s", this, threads.stream().map(RankThread::rank).toList());
    reports.changed();
    threads.forEach(RankThread::begin);
  }

  /** One more rank waits for its start; reported once all do. */
  void rankPrepared() {
    prepared++;
    if (state instanceof State.Preparing && prepared == threads.size()) {
      LOG.infof("%s: prepared", this);
      become(new State.Prepared());
      report(new Event.Prepared(key.run(), key.attempt(), worker));
    }
  }

  /** Has all ranks train, where all are prepared. */
  void start() {
    if (state instanceof State.Prepared) {
      LOG.infof("%s: training", this);
      become(new State.Training());
      threads.forEach(RankThread::train);
    }
  }

  /** Has the group end after its current step, or its first if it has not begun. */
  void stopAfterStep() {
    if (active()) {
      LOG.infof("%s: told to stop", this);
      threads.forEach(RankThread::stopAfterStep);
    }
  }

  /** Has the group move experts, where it trains. */
  void rebalance(Placement placement) {
    if (state instanceof State.Training) {
      LOG.infof("%s: told to move experts", this);
      threads.forEach(thread -> thread.rebalance(placement));
    }
  }

  /**
   * Has all ranks leave: frees them where they wait for others or for their start, and after a
   * while wherever else they wait.
   */
  void leave(String reason) {
    become(new State.Ending());
    threads.forEach(thread -> thread.abort(reason));
    ScheduledFuture<?> _ =
        loop.schedule(
            () -> threads.forEach(RankThread::interrupt),
            ABORT_TIMEOUT.toMillis(),
            TimeUnit.MILLISECONDS);
  }

  /** Reports that the attempt fails here; the stage ends when the broker has it. */
  CompletionStage<Void> fail(Failure failure) {
    CompletionStage<Void> reported =
        reports.event(
            new Event.Failed(
                key.run(),
                key.attempt(),
                worker,
                failure.kind(),
                failure.reason(),
                failure.peer().map(WorkerRank::toString).orElse(null)));
    leave(failure.reason());
    return reported;
  }

  /** A rank cannot go on; it takes the others with it. */
  void rankFailed(RankThread thread, Throwable cause) {
    broken(thread.rank(), cause);
  }

  /** One more thread is over; true once all are. */
  boolean rankEnded(RankThread thread, RankThread.End end) {
    if (end instanceof RankThread.End.Done(TrainingEnd outcome)) {
      outcomes.add(outcome);
    }
    ended++;
    if (ended < threads.size()) {
      return false;
    }
    state = active() ? new State.Finished(outcome()) : new State.Left();
    return true;
  }

  /** The last step that all ranks have done. */
  int step() {
    return threads.stream().mapToInt(RankThread::step).min().orElse(0);
  }

  /** What has gone through the channels of all ranks. */
  Traffic traffic() {
    Traffic sum = new Traffic(0, 0, 0, 0);
    for (RankThread thread : threads) {
      sum = sum(sum, thread.traffic());
    }
    return sum;
  }

  static Traffic sum(Traffic a, Traffic b) {
    return new Traffic(
        a.framesSent() + b.framesSent(),
        a.bytesSent() + b.bytesSent(),
        a.framesReceived() + b.framesReceived(),
        a.bytesReceived() + b.bytesReceived());
  }

  /** Waits until all threads are over; false if the time is up before. */
  boolean join(Duration timeout) throws InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    for (RankThread thread : threads) {
      long left = deadline - System.nanoTime();
      if (!thread.join(Duration.ofNanos(Math.max(1, left)))) {
        return false;
      }
    }
    return true;
  }

  @Override
  public String toString() {
    return "run " + key.run() + " attempt " + key.attempt();
  }

  private void broken(WorkerRank rank, Throwable cause) {
    if (active()) {
      LOG.errorf(cause, "%s: %s failed", this, rank);
      // The coordinator names the worker; its rank says more only where it has several.
      Failure failure = Failure.of(cause);
      CompletionStage<Void> _ = fail(threads.size() == 1 ? failure : failure.of(rank));
    } else if (expectedOfLeaving(cause)) {
      LOG.debugf(cause, "%s has left", rank);
    } else {
      LOG.warnf(cause, "%s left its run with an error", rank);
    }
  }

  /** Whether a rank that was told to leave would end like this. */
  private static boolean expectedOfLeaving(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof ChannelException
          || cause instanceof InterruptedException
          || cause instanceof InterruptedIOException
          || cause instanceof ClosedByInterruptException) {
        return true;
      }
    }
    return false;
  }

  private void become(State next) {
    state = next;
    reports.changed();
  }

  private void report(Event event) {
    // Whether it arrived matters at shutdown alone; the reports log what did not.
    CompletionStage<Void> _ = reports.event(event);
  }

  private TrainingEnd outcome() {
    return new TrainingEnd(
        outcomes.stream().mapToInt(TrainingEnd::steps).min().orElse(0),
        outcomes.stream().anyMatch(TrainingEnd::stopped));
  }
}
