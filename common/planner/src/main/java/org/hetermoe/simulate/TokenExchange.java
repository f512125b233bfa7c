package org.hetermoe.simulate;

import java.util.Arrays;
import java.util.List;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.LinkCosts;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.schedule.Task.Work;

/**
 * What travels between the workers of a group: dispatch takes rows from each attention worker to
 * each owner of experts of the layer, combine takes them back. A worker's own rows stay where they
 * are.
 */
final class TokenExchange {
  private static final int NONE = -1;

  private final StepGraph graph;
  private final GroupCosts costs;
  private final List<SimulatedWorker> workers;
  private final TaskOperations tasks;
  private final ExchangePolicy policy;

  /** The network card of each worker. */
  private final int[] cards;

  private final double groupTokens;

  private TokenExchange(
      StepGraph graph,
      GroupCosts costs,
      List<SimulatedWorker> workers,
      TaskOperations tasks,
      ExchangePolicy policy,
      int[] cards) {
    this.graph = graph;
    this.costs = costs;
    this.workers = workers;
    this.tasks = tasks;
    this.policy = policy;
    this.cards = cards;
    groupTokens = costs.tokens();
  }

  /**
   * Adds the messages between the tasks of a graph, in both directions of the step.
   *
   * @param cards the network card of each worker
   */
  static void addTo(
      StepGraph graph,
      GroupCosts costs,
      List<SimulatedWorker> workers,
      TaskOperations tasks,
      ExchangePolicy policy,
      int[] cards) {
    TokenExchange exchange = new TokenExchange(graph, costs, workers, tasks, policy, cards);
    exchange.add(Direction.FORWARD);
    exchange.add(Direction.BACKWARD);
    exchange.turnAround();
  }

  private void add(Direction direction) {
    for (int layer = 0; layer < costs.layers(); layer++) {
      // The rows of one operation leave in the reverse of the order in which they are added.
      for (int microBatch = costs.microBatches() - 1; microBatch >= 0; microBatch--) {
        dispatch(layer, microBatch, direction);
        combine(layer, microBatch, direction);
      }
    }
  }

  /** The backward pass of a micro-batch begins after its forward pass. */
  private void turnAround() {
    for (int microBatch = 0; microBatch < costs.microBatches(); microBatch++) {
      for (int worker = 0; worker < workers.size(); worker++) {
        if (workers.get(worker).attends()) {
          graph.after(
              tasks.of(worker, Work.ATTENTION, costs.layers(), microBatch, Direction.BACKWARD),
              tasks.of(worker, Work.ATTENTION, costs.layers(), microBatch, Direction.FORWARD));
        }
      }
    }
  }

  /** The attention task whose end lets rows leave for the experts of a layer. */
  private int source(int worker, int layer, int microBatch, Direction direction) {
    int stage = direction == Direction.FORWARD ? layer : layer + 1;
    return tasks.of(worker, Work.ATTENTION, stage, policy.lastPart(microBatch), direction);
  }

  /** The attention task that waits for rows to come back from the experts of a layer. */
  private int sink(int worker, int layer, int microBatch, Direction direction) {
    int stage = direction == Direction.FORWARD ? layer + 1 : layer;
    return tasks.of(worker, Work.ATTENTION, stage, policy.firstPart(microBatch), direction);
  }

  private double bytes(double rows, Direction direction) {
    double travels = direction == Direction.FORWARD ? 1 : policy.backwardTraffic();
    return rows * costs.topK() * costs.rowBytes() * travels;
  }

  /** Bytes that a worker's own tokens bring to other workers. */
  private double sentBytes(SimulatedWorker worker, int layer, Direction direction) {
    return bytes(worker.costs().tokens() * (1 - worker.share()[layer]), direction);
  }

  /** Bytes that the tokens of other workers bring to a worker. */
  private double receivedBytes(SimulatedWorker worker, int layer, Direction direction) {
    return bytes((groupTokens - worker.costs().tokens()) * worker.share()[layer], direction);
  }

  /** Whether rows go from one to the other; identical workers that are one send to each other. */
  private boolean exchanges(int from, int to) {
    return from != to || workers.get(from).count() > 1;
  }

  private void dispatch(int layer, int microBatch, Direction direction) {
    int code = Label.code(Label.Kind.DISPATCH, layer, microBatch, direction);
    int[] arrivals = new int[workers.size()];
    Arrays.fill(arrivals, NONE);
    for (int to = 0; to < arrivals.length; to++) {
      SimulatedWorker owner = workers.get(to);
      if (!owner.owns()[layer]) {
        continue;
      }
      int experts = tasks.of(to, Work.EXPERTS, layer, microBatch, direction);
      if (owner.attends()) {
        graph.after(experts, source(to, layer, microBatch, direction));
      }
      if (attentionElsewhere(to)) {
        double takes = owner.costs().link().seconds(receivedBytes(owner, layer, direction));
        arrivals[to] = graph.delivery(experts, cards[to], takes, code);
      }
    }
    for (int from = 0; from < arrivals.length; from++) {
      SimulatedWorker worker = workers.get(from);
      if (worker.attends()) {
        int attention = source(from, layer, microBatch, direction);
        send(from, attention, sentBytes(worker, layer, direction), code, arrivals);
      }
    }
  }

  private void combine(int layer, int microBatch, Direction direction) {
    int code = Label.code(Label.Kind.COMBINE, layer, microBatch, direction);
    int[] arrivals = new int[workers.size()];
    Arrays.fill(arrivals, NONE);
    for (int to = 0; to < arrivals.length; to++) {
      SimulatedWorker worker = workers.get(to);
      if (!worker.attends()) {
        continue;
      }
      int attention = sink(to, layer, microBatch, direction);
      if (worker.owns()[layer]) {
        graph.after(attention, tasks.of(to, Work.EXPERTS, layer, microBatch, direction));
      }
      if (ownerElsewhere(to, layer)) {
        double takes = worker.costs().link().seconds(sentBytes(worker, layer, direction));
        arrivals[to] = graph.delivery(attention, cards[to], takes, code);
      }
    }
    for (int from = 0; from < arrivals.length; from++) {
      SimulatedWorker owner = workers.get(from);
      if (owner.owns()[layer]) {
        int experts = tasks.of(from, Work.EXPERTS, layer, microBatch, direction);
        send(from, experts, receivedBytes(owner, layer, direction), code, arrivals);
      }
    }
  }

  private boolean attentionElsewhere(int to) {
    for (int from = 0; from < workers.size(); from++) {
      if (workers.get(from).attends() && exchanges(from, to)) {
        return true;
      }
    }
    return false;
  }

  private boolean ownerElsewhere(int to, int layer) {
    for (int from = 0; from < workers.size(); from++) {
      if (workers.get(from).owns()[layer] && exchanges(from, to)) {
        return true;
      }
    }
    return false;
  }

  /** One message from an operation to all that wait for a part of it. */
  private void send(int from, int operation, double bytes, int code, int[] arrivals) {
    int message = NONE;
    for (int to = 0; to < arrivals.length; to++) {
      if (arrivals[to] != NONE && exchanges(from, to)) {
        if (message == NONE) {
          LinkCosts link = workers.get(from).costs().link();
          message =
              graph.send(operation, cards[from], link.seconds(bytes), link.latencySeconds(), code);
        }
        graph.connect(message, arrivals[to]);
      }
    }
  }
}
