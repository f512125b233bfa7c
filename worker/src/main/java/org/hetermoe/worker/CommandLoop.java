package org.hetermoe.worker;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.hetermoe.channel.Channel.Traffic;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.Command;
import org.hetermoe.run.Event;
import org.hetermoe.run.FailureKind;
import org.hetermoe.train.TrainingEnd;
import org.hetermoe.worker.AttemptSession.State;
import org.jboss.logging.Logger;

/**
 * Carries out the coordinator's commands, one attempt at a run after another. Commands, what rank
 * threads report and the shutdown take their turns on one thread, which alone changes anything;
 * anybody may look. Commands that do not fit - late, repeated, for an earlier attempt - do nothing.
 */
final class CommandLoop implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(CommandLoop.class);

  /** How long {@link #close} waits for ranks and for the last event. */
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

  private final UUID instance;
  private final String worker;
  private final RankThread.Factory threads;
  private final RunReports reports;
  private final ScheduledExecutorService turns =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("command-loop").daemon().factory());
  private final RankThread.Listener listener =
      new RankThread.Listener() {
        @Override
        public void prepared(RankThread thread) {
          turn(() -> rankPrepared(thread));
        }

        @Override
        public void failed(RankThread thread, Throwable cause) {
          turn(() -> session(thread).ifPresent(session -> session.rankFailed(thread, cause)));
        }

        @Override
        public void ended(RankThread thread, RankThread.End end) {
          turn(() -> rankEnded(thread, end));
        }
      };

  /** Null while idle. */
  private volatile AttemptSession current;

  /** What to prepare once the present attempt has been left; null: nothing. */
  private Command.Prepare next;

  /** Guards that an attempt's traffic counts once when it passes from the present to the past. */
  private final Object trafficLock = new Object();

  private Traffic pastTraffic = new Traffic(0, 0, 0, 0);
  private RunKey lastEnded;

  CommandLoop(UUID instance, String worker, RankThread.Factory threads, RunReports reports) {
    this.instance = instance;
    this.worker = worker;
    this.threads = threads;
    this.reports = reports;
  }

  /** Takes a command for this process; returns at once. */
  void handle(Command command) {
    turn(() -> execute(command));
  }

  /** The attempt that the process takes part in; empty while it is idle. */
  Optional<AttemptSession> current() {
    return Optional.ofNullable(current);
  }

  /** What the process is doing: {@code idle, preparing, prepared, training, ending}. */
  String label() {
    return current().map(session -> session.state().label()).orElse("idle");
  }

  /** What has gone through the channels of all runs of this process. */
  Traffic traffic() {
    synchronized (trafficLock) {
      Traffic past = pastTraffic;
      return current().map(session -> AttemptSession.sum(past, session.traffic())).orElse(past);
    }
  }

  /** Leaves the run, if there is one, reports that, and takes no more commands. */
  @Override
  public void close() {
    if (turns.isShutdown()) {
      return;
    }
    CountDownLatch reported = new CountDownLatch(1);
    turn(
        () -> {
          AttemptSession session = current;
          next = null;
          if (session != null && session.active()) {
            CompletionStage<Void> _ =
                session.fail(Failure.SHUTDOWN).whenComplete((_, _) -> reported.countDown());
          } else {
            reported.countDown();
          }
        });
    try {
      if (!reported.await(CLOSE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
        LOG.warn("the last event did not reach the broker before shutdown");
      }
      Optional<AttemptSession> leaving = current();
      if (leaving.isPresent() && !leaving.get().join(CLOSE_TIMEOUT)) {
        LOG.warn("a rank did not leave its run before shutdown");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    turns.shutdownNow();
  }

  private void turn(Runnable action) {
    try {
      turns.execute(
          () -> {
            try {
              action.run();
            } catch (RuntimeException e) {
              LOG.errorf(e, "command loop failed while %s", label());
            }
          });
    } catch (RejectedExecutionException e) {
      LOG.debugf(e, "the command loop is closed");
    }
  }

  private void execute(Command command) {
    LOG.debugf("%s while %s", command, label());
    switch (command) {
      case Command.Prepare prepare -> prepare(prepare);
      case Command.Start start -> session(start).ifPresent(AttemptSession::start);
      case Command.Stop stop -> session(stop).ifPresent(AttemptSession::stopAfterStep);
      case Command.Rebalance rebalance ->
          session(rebalance).ifPresent(session -> session.rebalance(rebalance.placement()));
      case Command.Abort abort -> abort(abort);
    }
  }

  private void prepare(Command.Prepare prepare) {
    RunKey key = key(prepare);
    AttemptSession session = current;
    if (lastEnded != null
        && lastEnded.run().equals(key.run())
        && lastEnded.attempt() >= key.attempt()) {
      LOG.debugf("attempt %d of run %s is over", key.attempt(), key.run());
    } else if (session == null) {
      begin(prepare);
    } else if (!session.active()) {
      next = prepare;
      reports.changed();
    } else if (!session.key().run().equals(key.run())) {
      report(
          failed(
              key,
              new Failure(
                  FailureKind.WORKER,
                  "worker " + worker + " is busy with run " + session.key().run())));
    } else if (session.key().attempt() < key.attempt()) {
      next = prepare;
      session.leave("attempt " + key.attempt() + " takes over");
    } else {
      LOG.debugf("attempt %d of run %s is not newer", key.attempt(), key.run());
    }
  }

  private void begin(Command.Prepare prepare) {
    Assignment assignment = prepare.assignment();
    RunKey key = key(prepare);
    List<WorkerRank> local =
        assignment.members().stream()
            .filter(member -> member.instance().equals(instance))
            .map(Assignment.Member::peer)
            .toList();
    if (local.isEmpty()) {
      report(
          failed(
              key,
              new Failure(
                  FailureKind.SOFTWARE, "the assignment has no member for worker " + worker)));
      return;
    }
    try {
      AttemptSession session =
          new AttemptSession(
              key, worker, threads.create(assignment, local, listener), reports, turns);
      current = session;
      session.begin();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      report(failed(key, Failure.SHUTDOWN));
    } catch (IOException e) {
      // The channel is all that is opened here.
      cannotBegin(key, e, new Failure(FailureKind.PEER, FailureMessage.of(e)));
    } catch (RuntimeException e) {
      cannotBegin(key, e, Failure.of(e));
    }
  }

  private void cannotBegin(RunKey key, Exception cause, Failure failure) {
    LOG.errorf(cause, "run %s attempt %d cannot begin", key.run(), key.attempt());
    lastEnded = key;
    report(failed(key, failure));
  }

  private void abort(Command.Abort abort) {
    RunKey key = key(abort);
    AttemptSession session = current;
    if (session != null && session.active() && session.key().equals(key)) {
      LOG.infof("%s: aborted: %s", session, abort.reason());
      session.leave(abort.reason());
    } else if (next != null && key(next).equals(key)) {
      next = null;
      reports.changed();
    } else {
      LOG.debugf("nothing to abort for attempt %d of run %s", key.attempt(), key.run());
    }
  }

  private void rankPrepared(RankThread thread) {
    session(thread).ifPresent(AttemptSession::rankPrepared);
  }

  private void rankEnded(RankThread thread, RankThread.End end) {
    session(thread).filter(session -> session.rankEnded(thread, end)).ifPresent(this::sessionEnded);
  }

  private void sessionEnded(AttemptSession session) {
    RunKey key = session.key();
    lastEnded = key;
    synchronized (trafficLock) {
      pastTraffic = AttemptSession.sum(pastTraffic, session.traffic());
      current = null;
    }
    reports.changed();
    if (session.state() instanceof State.Finished(TrainingEnd outcome)) {
      LOG.infof("%s: done, %s", session, outcome);
      report(
          new Event.Finished(key.run(), key.attempt(), worker, outcome.steps(), outcome.stopped()));
      return;
    }
    LOG.infof("%s: left", session);
    Command.Prepare following = next;
    next = null;
    if (following != null) {
      begin(following);
    }
  }

  /** The present attempt, if that is the one that a command is for. */
  private Optional<AttemptSession> session(Command command) {
    return current().filter(session -> session.key().equals(key(command)));
  }

  /** The present attempt, if the thread is one of its. */
  private Optional<AttemptSession> session(RankThread thread) {
    return current().filter(session -> session.has(thread));
  }

  private void report(Event event) {
    // Whether it arrived matters at shutdown alone; the reports log what did not.
    CompletionStage<Void> _ = reports.event(event);
  }

  private Event.Failed failed(RunKey key, Failure failure) {
    return new Event.Failed(key.run(), key.attempt(), worker, failure.kind(), failure.reason());
  }

  private static RunKey key(Command command) {
    return new RunKey(command.run(), command.attempt());
  }
}
