package org.hetermoe.coordinator.rebalance;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.hetermoe.coordinator.metrics.StepsStored;
import org.hetermoe.coordinator.problem.ProblemException;
import org.hetermoe.coordinator.run.RunRepository;
import org.hetermoe.group.RunKey;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.run.PlanningSpec;
import org.jboss.logging.Logger;

/** Looks at runs every so many steps, on a thread of its own, since planning takes time. */
@Startup
@ApplicationScoped
class RebalanceScheduler {
  private static final Logger LOG = Logger.getLogger(RebalanceScheduler.class);

  private final RunRepository runs;
  private final Rebalancer rebalancer;
  private final Map<RunKey, Integer> nextLook = new ConcurrentHashMap<>();
  private final ExecutorService executor =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("rebalancer").factory());

  RebalanceScheduler(RunRepository runs, Rebalancer rebalancer) {
    this.runs = runs;
    this.rebalancer = rebalancer;
  }

  void onSteps(@Observes StepsStored steps) {
    Integer next = nextLook.get(steps.attempt());
    if (next == null || steps.last() >= next) {
      try {
        executor.execute(() -> look(steps));
      } catch (RejectedExecutionException e) {
        LOG.debug("The process ends; nothing moves any more", e);
      }
    }
  }

  void onStop(@Observes ShutdownEvent stop) {
    executor.shutdown();
  }

  private void look(StepsStored steps) {
    RunKey attempt = steps.attempt();
    try {
      PlanningSpec planning = runs.specOf(attempt.run()).planning();
      if (!planning.rebalance() || planning.planner() == PlannerKind.NONE) {
        nextLook.put(attempt, Integer.MAX_VALUE);
        return;
      }
      Integer next = nextLook.putIfAbsent(attempt, steps.first() - 1 + planning.rebalanceEvery());
      if (next == null || steps.last() < next) {
        return;
      }
      nextLook.put(attempt, steps.last() + planning.rebalanceEvery());
      rebalancer.consider(attempt);
    } catch (ProblemException e) {
      LOG.infof("Run %s: %s", attempt.run(), e.getMessage());
    } catch (RuntimeException e) {
      // The next look tries again; the run goes on as it is.
      LOG.errorf(e, "Could not look at the loads of run %s", attempt.run());
    } finally {
      forgetOthers(attempt);
    }
  }

  /** Earlier attempts at the run are over. */
  private void forgetOthers(RunKey attempt) {
    nextLook
        .keySet()
        .removeIf(
            other -> other.run().equals(attempt.run()) && other.attempt() < attempt.attempt());
  }
}
