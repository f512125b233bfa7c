package org.hetermoe.coordinator.run;

import io.quarkus.runtime.ShutdownEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.hetermoe.coordinator.config.CoordinatorConfig;
import org.hetermoe.coordinator.planning.Decision;
import org.hetermoe.coordinator.planning.GroupDevices;
import org.hetermoe.run.Assignment;
import org.jboss.logging.Logger;

/**
 * Plans that are being made for queued runs, which may take minutes: each on a thread of its own,
 * in no transaction, for workers that no other run gets meanwhile. They are not stored: a
 * coordinator that starts plans again.
 */
@ApplicationScoped
class PlansInProgress {
  private static final Logger LOG = Logger.getLogger(PlansInProgress.class);

  private final Map<UUID, PlanInProgress> plans = new ConcurrentHashMap<>();
  private final Event<PlanMade> news;
  private final Duration deadline;
  private final ExecutorService executor =
      Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("planner-", 0).factory());

  PlansInProgress(Event<PlanMade> news, CoordinatorConfig config) {
    this.news = news;
    this.deadline = config.planning().deadline();
  }

  /** A plan has come to its end, well or not. */
  record PlanMade(UUID run) {}

  /** What became of a plan. */
  sealed interface Progress {
    /** It is not there yet. */
    record UnderWay() implements Progress {}

    /** It is there. */
    record Made(Decision decision) implements Progress {}

    /**
     * There will be none.
     *
     * @param reason for people
     */
    record Failed(String reason) implements Progress {}
  }

  /**
   * A plan that is being made, and by what it goes.
   *
   * @param attempt number of the run's attempts so far
   * @param from step after which the next one goes on
   */
  record PlanInProgress(
      int attempt, int from, GroupDevices devices, Future<Decision> decision, long begun) {
    /** Whether the run is still what is planned. */
    boolean fits(Run run) {
      return run.attempt() == attempt && run.resumeStep() == from;
    }

    private boolean olderThan(Duration age) {
      return System.nanoTime() - begun > age.toNanos();
    }
  }

  /** Begins a plan; it is told when it has come to its end. */
  void begin(Run run, GroupDevices devices, Supplier<Decision> planner) {
    UUID id = run.id();
    FutureTask<Decision> decision =
        new FutureTask<>(planner::get) {
          @Override
          protected void done() {
            news.fire(new PlanMade(id));
          }
        };
    plans.put(
        id,
        new PlanInProgress(run.attempt(), run.resumeStep(), devices, decision, System.nanoTime()));
    executor.execute(decision);
  }

  /** The plan that is being made for a run. */
  Optional<PlanInProgress> of(UUID run) {
    return Optional.ofNullable(plans.get(run));
  }

  /** How far a plan is. */
  Progress progress(PlanInProgress plan) {
    if (!plan.decision.isDone()) {
      return plan.olderThan(deadline)
          ? new Progress.Failed(
              ("planning took longer than %d s (hetermoe.coordinator.planning.deadline);"
                      + " choose a simpler planning.planner")
                  .formatted(deadline.toSeconds()))
          : new Progress.UnderWay();
    }
    try {
      return new Progress.Made(plan.decision.get());
    } catch (ExecutionException | CancellationException e) {
      LOG.error("A run could not be planned", e);
      Throwable problem = e.getCause() == null ? e : e.getCause();
      return new Progress.Failed("planning failed: " + problem);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new Progress.UnderWay();
    }
  }

  /** Gives up the plan of a run, if there is one. */
  void forget(UUID run) {
    PlanInProgress plan = plans.remove(run);
    if (plan != null) {
      plan.decision.cancel(true);
    }
  }

  /** Gives up the plans of all runs but some. */
  void forgetAllBut(Collection<UUID> runs) {
    for (UUID run : plans.keySet()) {
      if (!runs.contains(run)) {
        forget(run);
      }
    }
  }

  /** Workers that plans are being made for. */
  Set<String> workers() {
    return plans.values().stream()
        .flatMap(plan -> plan.devices.members().stream())
        .map(Assignment.Member::worker)
        .collect(Collectors.toSet());
  }

  void onStop(@Observes ShutdownEvent stop) {
    executor.shutdownNow();
  }
}
