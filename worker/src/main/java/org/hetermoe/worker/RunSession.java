package org.hetermoe.worker;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.hetermoe.channel.Channel.Traffic;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.group.RunKey;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.Command;
import org.hetermoe.run.Event;
import org.hetermoe.train.GroupMember;
import org.hetermoe.worker.SessionState.Active;
import org.hetermoe.worker.SessionState.Ending;
import org.hetermoe.worker.SessionState.Idle;
import org.hetermoe.worker.SessionState.Prepared;
import org.hetermoe.worker.SessionState.Preparing;
import org.jboss.logging.Logger;

/**
 * A worker process's part in runs, one after another. Commands, the ends of member threads and the
 * shutdown take their turns on one thread, which alone changes the state; anybody may look at it.
 * Commands that do not fit the state - late, repeated, for an earlier attempt - do nothing.
 */
final class RunSession implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(RunSession.class);

  /** How long a member may take to notice that its channel is gone before it is interrupted. */
  private static final Duration GRACE = Duration.ofSeconds(1);

  /** How long {@link #close} waits for members and for the last event. */
  private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(5);

  private final UUID instance;
  private final String worker;
  private final MemberThreads threads;
  private final RunReports reports;
  private final ScheduledExecutorService turns =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("run-session").daemon().factory());
  private final MemberThread.Listener listener =
      new MemberThread.Listener() {
        @Override
        public void prepared(MemberThread member) {
          turn(() -> memberPrepared(member));
        }

        @Override
        public void ended(MemberThread member, MemberThread.End end) {
          turn(() -> memberEnded(member, end));
        }
      };

  private volatile SessionState state = new Idle();

  /** Guards that a group's traffic counts once when it passes from the state to the past. */
  private final Object trafficLock = new Object();

  private Traffic pastTraffic = new Traffic(0, 0, 0, 0);
  private RunKey lastEnded;

  RunSession(UUID instance, String worker, MemberThreads threads, RunReports reports) {
    this.instance = instance;
    this.worker = worker;
    this.threads = threads;
    this.reports = reports;
  }

  /** Takes a command for this process; returns at once. */
  void handle(Command command) {
    turn(() -> obey(command));
  }

  /** What the process is doing now. */
  SessionState state() {
    return state;
  }

  /** What has gone through the channels of all runs of this process. */
  Traffic traffic() {
    synchronized (trafficLock) {
      Traffic past = pastTraffic;
      return state.members().map(group -> LocalGroup.sum(past, group.traffic())).orElse(past);
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
          if (state instanceof Active active) {
            CompletionStage<Void> _ =
                reports
                    .event(failed(active.group().key(), "worker is shutting down"))
                    .whenComplete((_, _) -> reported.countDown());
            leave(active, "worker is shutting down", Optional.empty());
          } else {
            if (state instanceof Ending ending) {
              become(ending.followedByNothing());
            }
            reported.countDown();
          }
        });
    try {
      if (!reported.await(CLOSE_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        LOG.warn("the last event did not reach the broker before shutdown");
      }
      Optional<LocalGroup> leaving = state.members();
      if (leaving.isPresent() && !leaving.get().join(CLOSE_PATIENCE)) {
        LOG.warn("a member did not leave its run before shutdown");
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
              LOG.errorf(e, "session in state %s failed", state.label());
            }
          });
    } catch (RejectedExecutionException e) {
      LOG.debugf(e, "the session is closed");
    }
  }

  private void obey(Command command) {
    LOG.debugf("%s in state %s", command, state.label());
    switch (command) {
      case Command.Prepare prepare -> prepare(prepare);
      case Command.Start start -> start(start);
      case Command.Stop stop -> stop(stop);
      case Command.Rebalance rebalance -> rebalance(rebalance);
      case Command.Abort abort -> abort(abort);
    }
  }

  private void prepare(Command.Prepare prepare) {
    RunKey key = key(prepare);
    if (lastEnded != null
        && lastEnded.run().equals(key.run())
        && lastEnded.attempt() >= key.attempt()) {
      LOG.debugf("attempt %d of run %s is over", key.attempt(), key.run());
      return;
    }
    switch (state) {
      case Idle _ -> begin(prepare);
      case Ending ending -> become(ending.followedBy(prepare));
      case Active active -> {
        RunKey current = active.group().key();
        if (!current.run().equals(key.run())) {
          report(failed(key, "worker " + worker + " is busy with run " + current.run()));
        } else if (current.attempt() < key.attempt()) {
          leave(active, "attempt " + key.attempt() + " takes over", Optional.of(prepare));
        } else {
          LOG.debugf("attempt %d of run %s is not newer", key.attempt(), key.run());
        }
      }
    }
  }

  private void begin(Command.Prepare prepare) {
    Assignment assignment = prepare.assignment();
    RunKey key = key(prepare);
    List<Assignment.Member> local =
        assignment.members().stream().filter(member -> member.instance().equals(instance)).toList();
    if (local.isEmpty()) {
      report(failed(key, "the assignment has no member for worker " + worker));
      return;
    }
    try {
      LocalGroup group = new LocalGroup(key, threads.make(assignment, local, listener));
      LOG.infof(
          "run %s attempt %d: preparing %s",
          key.run(), key.attempt(), local.stream().map(Assignment.Member::peer).toList());
      become(new Preparing(group));
      group.begin();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      report(failed(key, "worker is shutting down"));
    } catch (IOException | RuntimeException e) {
      LOG.errorf(e, "run %s attempt %d cannot begin", key.run(), key.attempt());
      lastEnded = key;
      report(failed(key, Reasons.of(e)));
    }
  }

  private void memberPrepared(MemberThread member) {
    if (state instanceof Preparing preparing
        && preparing.group().has(member)
        && preparing.group().notePrepared()) {
      RunKey key = preparing.group().key();
      LOG.infof("run %s attempt %d: prepared", key.run(), key.attempt());
      become(preparing.prepared());
      report(new Event.Prepared(key.run(), key.attempt(), worker));
    }
  }

  private void start(Command.Start start) {
    if (state instanceof Prepared prepared && prepared.group().key().equals(key(start))) {
      LOG.infof("run %s attempt %d: training", start.run(), start.attempt());
      become(prepared.started());
      prepared.group().train();
    }
  }

  private void stop(Command.Stop stop) {
    if (state instanceof Active active && active.group().key().equals(key(stop))) {
      LOG.infof("run %s attempt %d: told to stop", stop.run(), stop.attempt());
      active.group().stopAfterStep();
    }
  }

  private void rebalance(Command.Rebalance rebalance) {
    if (state instanceof SessionState.Training training
        && training.group().key().equals(key(rebalance))) {
      LOG.infof("run %s attempt %d: told to move experts", rebalance.run(), rebalance.attempt());
      training.group().rebalance(rebalance.placement());
    }
  }

  private void abort(Command.Abort abort) {
    RunKey key = key(abort);
    switch (state) {
      case Active active when active.group().key().equals(key) -> {
        LOG.infof("run %s attempt %d: aborted: %s", key.run(), key.attempt(), abort.reason());
        leave(active, abort.reason(), Optional.empty());
      }
      case Ending ending when ending.next().map(RunSession::key).equals(Optional.of(key)) ->
          become(ending.followedByNothing());
      default -> LOG.debugf("nothing to abort for attempt %d of run %s", key.attempt(), key.run());
    }
  }

  private void leave(Active active, String reason, Optional<Command.Prepare> next) {
    LocalGroup group = active.group();
    become(active.end(next));
    group.abort(reason);
    ScheduledFuture<?> _ =
        turns.schedule(
            () -> {
              if (state instanceof Ending ending && ending.group() == group) {
                group.interrupt();
              }
            },
            GRACE.toMillis(),
            TimeUnit.MILLISECONDS);
  }

  private void memberEnded(MemberThread member, MemberThread.End end) {
    LocalGroup group = state.members().filter(current -> current.has(member)).orElse(null);
    if (group == null) {
      return;
    }
    if (end instanceof MemberThread.End.Broken(Throwable cause)) {
      if (state instanceof Active active) {
        RunKey key = group.key();
        LOG.errorf(cause, "run %s attempt %d: %s failed", key.run(), key.attempt(), member.peer());
        String reason = member.peer() + " failed: " + Reasons.of(cause);
        report(failed(key, reason));
        leave(active, reason, Optional.empty());
      } else if (expectedOfLeaving(cause)) {
        LOG.debugf(cause, "%s has left", member.peer());
      } else {
        LOG.warnf(cause, "%s left its run with an error", member.peer());
      }
    }
    if (group.noteEnded(end)) {
      allEnded(group);
    }
  }

  /** Whether a member that was told to leave would end like this. */
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

  private void allEnded(LocalGroup group) {
    RunKey key = group.key();
    lastEnded = key;
    SessionState before = state;
    synchronized (trafficLock) {
      pastTraffic = LocalGroup.sum(pastTraffic, group.traffic());
      become(new Idle());
    }
    switch (before) {
      case Active _ -> {
        GroupMember.Outcome outcome = group.outcome();
        LOG.infof("run %s attempt %d: done, %s", key.run(), key.attempt(), outcome);
        report(
            new Event.Finished(
                key.run(), key.attempt(), worker, outcome.steps(), outcome.stopped()));
      }
      case Ending ending -> {
        LOG.infof("run %s attempt %d: left", key.run(), key.attempt());
        ending.next().ifPresent(this::begin);
      }
      case Idle _ -> throw new IllegalStateException("members ended while idle");
    }
  }

  private void become(SessionState next) {
    state = next;
    reports.changed();
  }

  private void report(Event event) {
    // Whether it arrived matters at shutdown alone; the reports log what did not.
    CompletionStage<Void> _ = reports.event(event);
  }

  private Event.Failed failed(RunKey key, String reason) {
    return new Event.Failed(key.run(), key.attempt(), worker, reason);
  }

  private static RunKey key(Command command) {
    return new RunKey(command.run(), command.attempt());
  }
}
