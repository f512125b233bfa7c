package org.hetermoe.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import org.hetermoe.channel.Channel;
import org.hetermoe.compute.Compute;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.nn.WeightSource;
import org.hetermoe.run.GroupPlan;

/**
 * A ZP group whose workers are threads of this process, each with a device of its own; for parity
 * checks, benchmarks and tests. The first worker that fails ends the group.
 */
public final class InProcessGroup {
  private final GroupPlan plan;
  private final Function<WorkerRank, Channel> channels;
  private final Supplier<Compute> devices;
  private final WeightSource weights;
  private final StepProbe probe;
  private final Function<WorkerRank, Pace> paces;
  private final StepPolicy policy;

  /**
   * A group that has not begun.
   *
   * @param channels each worker's end
   * @param devices makes a device for each worker
   * @param probe called by the workers' threads at once
   */
  public InProcessGroup(
      GroupPlan plan,
      Function<WorkerRank, Channel> channels,
      Supplier<Compute> devices,
      WeightSource weights,
      StepProbe probe) {
    this(plan, channels, devices, weights, probe, peer -> Pace.REAL, StepPolicy.TRAIN_ON);
  }

  private InProcessGroup(
      GroupPlan plan,
      Function<WorkerRank, Channel> channels,
      Supplier<Compute> devices,
      WeightSource weights,
      StepProbe probe,
      Function<WorkerRank, Pace> paces,
      StepPolicy policy) {
    this.plan = plan;
    this.channels = channels;
    this.devices = devices;
    this.weights = weights;
    this.probe = probe;
    this.paces = paces;
    this.policy = policy;
  }

  /** The same group, each of its workers with a pace of its own. */
  public InProcessGroup paced(Function<WorkerRank, Pace> newPaces) {
    return new InProcessGroup(plan, channels, devices, weights, probe, newPaces, policy);
  }

  /**
   * The same group, whose experts move.
   *
   * @param placements gives the placement to take on after a step; empty to leave it as it is
   */
  public InProcessGroup rebalanced(IntFunction<Optional<Placement>> placements) {
    StepPolicy moving = step -> new StepPolicy.AfterStep(false, 0, false, placements.apply(step));
    return new InProcessGroup(plan, channels, devices, weights, probe, paces, moving);
  }

  /**
   * Trains steps 1 to {@code steps}.
   *
   * @param batches the sequences of each step
   * @return each step's numbers
   * @throws RuntimeException the first failure of a worker
   */
  public List<StepResult> train(int steps, IntFunction<SequenceBatch> batches)
      throws InterruptedException {
    List<StepResult> results = new ArrayList<>();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    List<Thread> threads = new ArrayList<>();
    for (WorkerRank peer : plan.members()) {
      Work work =
          switch (peer.role()) {
            case ATTENTION -> () -> attention(peer, steps, batches, results);
            case EXPERT -> () -> experts(peer, steps);
          };
      threads.add(start(peer, failure, work));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    if (failure.get() != null) {
      throw new IllegalStateException(failure.get().getMessage(), failure.get().getCause());
    }
    return results;
  }

  private interface Work {
    void run() throws InterruptedException;
  }

  private Thread start(WorkerRank peer, AtomicReference<Throwable> failure, Work work) {
    return Thread.ofPlatform()
        .name(peer.toString())
        .start(
            () -> {
              try {
                work.run();
              } catch (InterruptedException | RuntimeException | Error e) {
                String reason = peer + " failed: " + e.getMessage();
                if (failure.compareAndSet(null, new IllegalStateException(reason, e))) {
                  abortAll(reason);
                }
              }
            });
  }

  private void abortAll(String reason) {
    plan.members().forEach(peer -> channels.apply(peer).abort(reason));
  }

  private void attention(
      WorkerRank peer, int steps, IntFunction<SequenceBatch> batches, List<StepResult> results)
      throws InterruptedException {
    try (Compute compute = devices.get();
        AttentionWorker worker =
            new AttentionWorker(
                plan, compute, channels.apply(peer), weights, probe, paces.apply(peer))) {
      for (int step = 1; step <= steps; step++) {
        AttentionWorker.Done done = worker.step(step, batches.apply(step), policy);
        done.result().ifPresent(results::add);
        if (done.after().placement().isPresent()) {
          worker.rebalance(done.after().placement().get());
        }
      }
    }
  }

  private void experts(WorkerRank peer, int steps) throws InterruptedException {
    try (Compute compute = devices.get();
        ExpertWorker worker =
            new ExpertWorker(
                plan, compute, channels.apply(peer), weights, probe, paces.apply(peer))) {
      for (int step = 1; step <= steps; step++) {
        StepPolicy.AfterStep after = worker.step(step);
        if (after.placement().isPresent()) {
          worker.rebalance(after.placement().get());
        }
      }
    }
  }
}
