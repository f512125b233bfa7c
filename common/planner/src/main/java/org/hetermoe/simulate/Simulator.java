package org.hetermoe.simulate;

import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Predictor;
import org.hetermoe.plan.ReplicatedPlacement;
import org.hetermoe.schedule.Schedule;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Work;

/**
 * Executes schedules by discrete events: what the workers of a group would do in one step, and how
 * long it takes. Without state; safe for several threads. Planners execute many steps, so a thread
 * that is interrupted executes no more: a search that nobody waits for comes to its end.
 */
public final class Simulator implements Predictor {
  @Override
  public double stepSeconds(GroupCosts costs, Schedule schedule, ReplicatedPlacement placement) {
    return execute(costs, new SimulatedWorkers(costs, placement, true), schedule).seconds;
  }

  /**
   * Seconds of a step in which each worker computes in an order of its own.
   *
   * @param orders of each worker
   * @throws IllegalArgumentException if an order lacks a task, or tasks wait for each other
   */
  public double stepSeconds(
      GroupCosts costs, Placement placement, Function<WorkerRank, List<Task>> orders) {
    SimulatedWorkers workers = new SimulatedWorkers(costs, placement, false);
    return Execution.of(
            GroupGraph.of(
                costs, workers, ExchangePolicy.ZEBRA, worker -> orders.apply(worker.worker())))
        .seconds;
  }

  static Execution execute(GroupCosts costs, SimulatedWorkers workers, Schedule schedule) {
    return execute(costs, workers, schedule.attention(), schedule.experts(), ExchangePolicy.ZEBRA);
  }

  static Execution execute(
      GroupCosts costs,
      SimulatedWorkers workers,
      List<Task> attention,
      List<Task> experts,
      ExchangePolicy exchange) {
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("planning was given up");
    }
    return Execution.of(
        GroupGraph.of(
            costs,
            workers,
            exchange,
            worker ->
                (worker.attends() ? attention : experts)
                    .stream()
                        .filter(
                            task -> task.work() == Work.ATTENTION || worker.owns()[task.stage()])
                        .toList()));
  }
}
