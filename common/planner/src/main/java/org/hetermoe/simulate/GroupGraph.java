package org.hetermoe.simulate;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.LinkCosts;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Direction;

/**
 * The step graph of a ZP group: every worker computes its tasks in its order ({@link
 * TaskOperations}), rows travel between them ({@link TokenExchange}), and at the end gradients are
 * reduced and the optimizer steps.
 */
final class GroupGraph {
  private final List<SimulatedWorker> workers;
  private final StepGraph graph;

  private GroupGraph(List<SimulatedWorker> workers, StepGraph graph) {
    this.workers = workers;
    this.graph = graph;
  }

  /**
   * Builds the graph.
   *
   * @param orders what each worker computes, in order
   * @throws IllegalArgumentException if an order lacks a task
   */
  static StepGraph of(
      GroupCosts costs,
      SimulatedWorkers group,
      ExchangePolicy exchange,
      Function<SimulatedWorker, List<Task>> orders) {
    List<SimulatedWorker> workers = group.all();
    int[] cards = new int[workers.size()];
    StepGraph graph = new StepGraph(workers.size(), assignCards(workers, cards));
    TaskOperations tasks = TaskOperations.addTo(graph, costs, workers, orders);
    TokenExchange.addTo(graph, costs, workers, tasks, exchange, cards);
    new GroupGraph(workers, graph).finish();
    return graph;
  }

  /** A card for each worker, or for several that share one; returns how many there are. */
  private static int assignCards(List<SimulatedWorker> workers, int[] cards) {
    Map<Integer, Integer> shared = new HashMap<>();
    int count = 0;
    for (int worker = 0; worker < cards.length; worker++) {
      int nic = workers.get(worker).costs().link().nic();
      Integer known = nic == LinkCosts.OWN ? null : shared.get(nic);
      if (known == null) {
        known = count++;
        if (nic != LinkCosts.OWN) {
          shared.put(nic, known);
        }
      }
      cards[worker] = known;
    }
    return count;
  }

  /**
   * Reduction of gradients among the attention workers, and of replicated experts' when all that
   * own such are done; then everybody's optimizer.
   */
  private void finish() {
    int[] lastTask = new int[workers.size()];
    for (int worker = 0; worker < workers.size(); worker++) {
      lastTask[worker] = graph.lastOf(worker);
    }
    for (int worker = 0; worker < workers.size(); worker++) {
      SimulatedWorker own = workers.get(worker);
      if (own.attends()) {
        reduce(worker, own.costs().reduceSeconds(), lastTask, SimulatedWorker::attends);
      }
      if (own.replicaReduceSeconds() > 0) {
        reduce(
            worker,
            own.replicaReduceSeconds(),
            lastTask,
            other -> other.replicaReduceSeconds() > 0);
      }
      graph.operation(
          worker,
          own.costs().optimizerSeconds() + own.experts() * own.costs().expertOptimizerSeconds(),
          Label.code(Label.Kind.OPTIMIZER, 0, 0, Direction.FORWARD));
    }
  }

  /** A reduction of one worker's gradients, which waits for all others that take part in it. */
  private void reduce(
      int worker, double seconds, int[] lastTask, Predicate<SimulatedWorker> takesPart) {
    int reduce =
        graph.operation(worker, seconds, Label.code(Label.Kind.REDUCE, 0, 0, Direction.FORWARD));
    for (int other = 0; other < workers.size(); other++) {
      if (other != worker && takesPart.test(workers.get(other))) {
        graph.after(reduce, lastTask[other]);
      }
    }
  }
}
