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
import org.hetermoe.optim.LossScaler;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.train.step.StepResult;
import org.hetermoe.train.step.TaskListener;

/**
 * A ZP group whose ranks are threads of this process, each with a device of its own; for parity
 * checks, benchmarks and tests. The first rank that fails ends the group.
 */
public final class InProcessGroup {
  private final GroupPlan plan;
  private final Function<WorkerRank, Channel> channels;
  private final Supplier<Compute> devices;
  private final WeightSource weights;
  private final Function<WorkerRank, TaskListener> listeners;
  private final IntFunction<Optional<Placement>> placements;

  /**
   * A group that has not begun.
   *
   * @param channels each rank's end
   * @param devices makes a device for each rank
   * @param listeners each rank's listener
   */
  public InProcessGroup(
      GroupPlan plan,
      Function<WorkerRank, Channel> channels,
      Supplier<Compute> devices,
      WeightSource weights,
      Function<WorkerRank, TaskListener> listeners) {
    this(plan, channels, devices, weights, listeners, _ -> Optional.empty());
  }

  private InProcessGroup(
      GroupPlan plan,
      Function<WorkerRank, Channel> channels,
      Supplier<Compute> devices,
      WeightSource weights,
      Function<WorkerRank, TaskListener> listeners,
      IntFunction<Optional<Placement>> placements) {
    this.plan = plan;
    this.channels = channels;
    this.devices = devices;
    this.weights = weights;
    this.listeners = listeners;
    this.placements = placements;
  }

  /** The same group with other listeners. */
  public InProcessGroup heardBy(Function<WorkerRank, TaskListener> others) {
    return new InProcessGroup(plan, channels, devices, weights, others, placements);
  }

  /**
   * The same group, whose experts move.
   *
   * @param others gives the placement to take on after a step; empty to leave it as it is
   */
  public InProcessGroup rebalanced(IntFunction<Optional<Placement>> others) {
    return new InProcessGroup(plan, channels, devices, weights, listeners, others);
  }

  /**
   * Trains steps 1 to {@code steps}.
   *
   * @param batches the sequences of each step
   * @return each step's numbers
   * @throws RuntimeException the first failure of a rank
   */
  public List<StepResult> train(int steps, IntFunction<SequenceBatch> batches)
      throws InterruptedException {
    List<StepResult> results = new ArrayList<>();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    TrainingCallbacks callbacks = new Callbacks(steps, batches, placements, results);
    List<Thread> threads =
        plan.members().stream().map(rank -> start(rank, callbacks, failure)).toList();
    for (Thread thread : threads) {
      thread.join();
    }
    if (failure.get() != null) {
      throw new IllegalStateException(failure.get().getMessage(), failure.get().getCause());
    }
    return results;
  }

  /** So many steps on given batches, moved about as asked. */
  private record Callbacks(
      int steps,
      IntFunction<SequenceBatch> batches,
      IntFunction<Optional<Placement>> placements,
      List<StepResult> results)
      implements TrainingCallbacks {
    @Override
    public SequenceBatch batch(int step) {
      return batches.apply(step);
    }

    @Override
    public AfterStep after(int step) {
      return new AfterStep(step == steps, 0, false, placements.apply(step));
    }

    @Override
    public void onStep(int step, StepResult result, double seconds, Optional<Double> evaluation) {
      results.add(result);
    }
  }

  private Thread start(
      WorkerRank rank, TrainingCallbacks callbacks, AtomicReference<Throwable> failure) {
    return Thread.ofPlatform()
        .name(rank.toString())
        .start(
            () -> {
              try {
                train(rank, callbacks);
              } catch (InterruptedException | RuntimeException | Error e) {
                String reason = rank + " failed: " + e.getMessage();
                if (failure.compareAndSet(null, new IllegalStateException(reason, e))) {
                  abortAll(reason);
                }
              }
            });
  }

  private void train(WorkerRank rank, TrainingCallbacks callbacks) throws InterruptedException {
    try (Compute compute = devices.get();
        StepLoop loop =
            new StepLoop(
                plan,
                compute,
                channels.apply(rank),
                weights,
                new LossScaler(plan),
                listeners.apply(rank),
                callbacks)) {
      loop.run(0);
    }
  }

  private void abortAll(String reason) {
    plan.members().forEach(rank -> channels.apply(rank).abort(reason));
  }
}
