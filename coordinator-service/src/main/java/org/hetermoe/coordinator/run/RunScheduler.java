package org.hetermoe.coordinator.run;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.scheduler.Scheduled;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.hetermoe.coordinator.broker.BrokerProbe;
import org.hetermoe.coordinator.broker.CommandOutbox;
import org.hetermoe.coordinator.profile.ProfileRegistry;
import org.hetermoe.coordinator.worker.Roster;
import org.hetermoe.coordinator.worker.WorkerRegistry;
import org.jboss.logging.Logger;

/**
 * Looks after runs: gives workers to those that wait, fails those whose workers are lost, sends the
 * commands that follow. Looks at once when something has happened, and now and then because time
 * passes. One look at a time, so workers are given out by one thread.
 */
@ApplicationScoped
public class RunScheduler {
  private static final Logger LOG = Logger.getLogger(RunScheduler.class);

  /** Ticks further apart mean that this process was suspended and heard nothing. */
  private static final long SUSPENDED_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final int LAST = 10_000;

  /** Runs of the queue that are looked at; those behind them wait. */
  private static final int LOOK_AHEAD = 200;

  private final RunRepository runs;
  private final AttemptMonitor monitor;
  private final RunPlacer placer;
  private final PlansInProgress plans;
  private final UnreadableRuns unreadables;
  private final CommandOutbox outbox;
  private final Roster roster;
  private final BrokerProbe broker;

  /**
   * A plain thread, which takes over neither the transaction nor the request of whoever wakes it.
   */
  private final ExecutorService executor =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().daemon().name("run-scheduler").factory());

  private final ReentrantLock looking = new ReentrantLock();
  private final AtomicBoolean woken = new AtomicBoolean();

  /** Between the start, when channels are connected, and the end of this process. */
  private volatile boolean open;

  private long lastTick = System.nanoTime();

  RunScheduler(
      RunRepository runs,
      AttemptMonitor monitor,
      RunPlacer placer,
      PlansInProgress plans,
      UnreadableRuns unreadables,
      CommandOutbox outbox,
      Roster roster,
      BrokerProbe broker) {
    this.runs = runs;
    this.monitor = monitor;
    this.placer = placer;
    this.plans = plans;
    this.unreadables = unreadables;
    this.outbox = outbox;
    this.roster = roster;
    this.broker = broker;
  }

  /** Something has happened: look soon. Returns at once. */
  void wake() {
    if (open && woken.compareAndSet(false, true)) {
      try {
        executor.execute(this::look);
      } catch (RejectedExecutionException e) {
        LOG.debug("The scheduler stops and is not woken any more", e);
      }
    }
  }

  void onWorkerChanged(@Observes WorkerRegistry.WorkerChanged change) {
    LOG.debugf("Worker %s has changed", change.worker());
    wake();
  }

  void onProfileStored(@Observes ProfileRegistry.ProfileStored stored) {
    LOG.debugf("Profile of %s has come", stored.device());
    wake();
  }

  void onPlanMade(@Observes PlansInProgress.PlanMade made) {
    LOG.debugf("The plan of run %s has come to its end", made.run());
    wake();
  }

  @Scheduled(
      every = "${hetermoe.coordinator.tick}",
      concurrentExecution = Scheduled.ConcurrentExecution.SKIP)
  void tick() {
    if (!open) {
      return;
    }
    long now = System.nanoTime();
    if (now - lastTick > SUSPENDED_NANOS || (roster.anySilent() && !broker.answers())) {
      roster.forgiveSilence();
    }
    lastTick = now;
    look();
  }

  void onStart(@Observes @Priority(LAST) StartupEvent start) {
    open = true;
    wake();
  }

  void onStop(@Observes ShutdownEvent stop) {
    open = false;
    executor.shutdown();
  }

  private void look() {
    looking.lock();
    try {
      woken.set(false);
      for (UUID id : runs.active()) {
        alone(id, () -> monitor.watch(id));
      }
      place();
    } catch (RuntimeException e) {
      if (open) {
        LOG.error("Could not look after the runs; the next tick tries again", e);
      }
    } finally {
      try {
        outbox.send();
      } finally {
        looking.unlock();
      }
    }
  }

  private void place() {
    AtomicReference<UUID> first = new AtomicReference<>();
    List<UUID> queue = runs.queue(LOOK_AHEAD);
    // Runs that were stopped while they were planned are not queued any more.
    plans.forgetAllBut(queue);
    for (UUID id : queue) {
      alone(
          id,
          () -> {
            if (placer.place(id, first.get()) == RunPlacer.Placed.NEXT_IN_LINE) {
              first.compareAndSet(null, id);
            }
          });
    }
  }

  /**
   * Looks after one run. Whatever goes wrong with it, errors included, must not keep the others
   * waiting, nor the commands of those that were looked after.
   */
  private void alone(UUID id, Runnable look) {
    try {
      look.run();
    } catch (RuntimeException | Error e) {
      Optional<String> unreadable = UnreadableRuns.reason(e);
      if (!open) {
        LOG.debugf(e, "Run %s is not looked after any more, for the process ends", id);
      } else if (unreadable.isEmpty()) {
        LOG.errorf(e, "Could not look after run %s; the next tick tries again", id);
      } else {
        unreadables.fail(id, unreadable.get());
      }
    }
  }
}
