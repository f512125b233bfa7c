package org.hetermoe.simulate;

import java.util.List;
import java.util.function.Function;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Predictor;
import org.hetermoe.plan.ReplicatedPlacement;
import org.hetermoe.schedule.Schedule;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Work;
import org.hetermoe.simulate.GroupGraph.Exchange;

/**
 * Executes schedules by discrete events: what the workers of a group would do in one step, and how
 * long it takes. Without state; safe for several threads.
 */
public final class Simulator implements Predictor {
  @Override
  public double stepSeconds(GroupCosts costs, Schedule schedule, ReplicatedPlacement placement) {
    return execute(costs, new Crew(costs, placement, true), schedule).seconds;
  }

  /**
   * Seconds of a step in which each worker computes in an order of its own.
   *
   * @param orders of each worker
   * @throws IllegalArgumentException if an order lacks a task, or tasks wait for each other
   */
  public double stepSeconds(
      GroupCosts costs, Placement placement, Function<WorkerRank, List<Task>> orders) {
    Crew crew = new Crew(costs, placement, false);
    return Execution.of(
            GroupGraph.of(costs, crew, Exchange.ZEBRA, member -> orders.apply(member.worker())))
        .seconds;
  }

  static Execution execute(GroupCosts costs, Crew crew, Schedule schedule) {
    return execute(costs, crew, schedule.attention(), schedule.experts(), Exchange.ZEBRA);
  }

  static Execution execute(
      GroupCosts costs, Crew crew, List<Task> attention, List<Task> experts, Exchange exchange) {
    return Execution.of(
        GroupGraph.of(
            costs,
            crew,
            exchange,
            member ->
                (member.attends() ? attention : experts)
                    .stream()
                        .filter(
                            task ->
                                task.work() == Work.ATTENTION || member.takesPart()[task.stage()])
                        .toList()));
  }
}
