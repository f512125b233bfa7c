package org.hetermoe.simulate;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.LinkCosts;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.schedule.Task.Work;

/**
 * The step graph of a ZP group: every worker computes in its order; rows go from each attention
 * worker to each owner of experts of the layer, and back. A worker's own rows stay where they are.
 */
final class GroupGraph {
  /**
   * How rows travel.
   *
   * @param parts so many consecutive micro-batches go through each layer together: their rows leave
   *     when the attention of all of them is done, and attention goes on when all are back; they
   *     are the parts in which an exchange overlaps with its experts
   * @param backwardTraffic how often rows travel in the backward pass; 2 where recomputation of a
   *     whole layer repeats the forward exchange
   */
  record Exchange(int parts, double backwardTraffic) {
    /** Each micro-batch leaves when it is ready; both sides recompute from what they kept. */
    static final Exchange ZEBRA = new Exchange(1, 1);

    int lastPart(int microBatch) {
      return microBatch / parts * parts + parts - 1;
    }

    int firstPart(int microBatch) {
      return microBatch / parts * parts;
    }
  }

  private final GroupCosts costs;
  private final Exchange exchange;
  private final List<Crew.Member> members;
  private final StepGraph graph;
  private final int[] cards;
  private final int[][] operations;
  private final double groupTokens;

  private GroupGraph(GroupCosts costs, Crew crew, Exchange exchange) {
    this.costs = costs;
    this.exchange = exchange;
    members = crew.members();
    cards = new int[members.size()];
    graph = new StepGraph(members.size(), assignCards());
    operations = new int[members.size()][4 * (costs.layers() + 1) * costs.microBatches()];
    for (int[] row : operations) {
      Arrays.fill(row, -1);
    }
    groupTokens = costs.tokens();
  }

  /**
   * Builds the graph.
   *
   * @param exchange how rows travel
   * @param orders what each worker computes, in order
   */
  static StepGraph of(
      GroupCosts costs, Crew crew, Exchange exchange, Function<Crew.Member, List<Task>> orders) {
    GroupGraph group = new GroupGraph(costs, crew, exchange);
    group.compute(orders);
    group.exchange(Direction.FORWARD);
    group.exchange(Direction.BACKWARD);
    group.finish();
    return group.graph;
  }

  private int assignCards() {
    Map<Integer, Integer> shared = new HashMap<>();
    int count = 0;
    for (int member = 0; member < cards.length; member++) {
      int nic = members.get(member).costs().link().nic();
      Integer known = nic == LinkCosts.OWN ? null : shared.get(nic);
      if (known == null) {
        known = count++;
        if (nic != LinkCosts.OWN) {
          shared.put(nic, known);
        }
      }
      cards[member] = known;
    }
    return count;
  }

  @SuppressWarnings("EnumOrdinal") // an index into arrays of this class
  private int place(Work work, int stage, int microBatch, Direction direction) {
    return ((work.ordinal() * 2 + direction.ordinal()) * (costs.layers() + 1) + stage)
            * costs.microBatches()
        + microBatch;
  }

  private int operation(int member, Work work, int stage, int microBatch, Direction direction) {
    int operation = operations[member][place(work, stage, microBatch, direction)];
    if (operation < 0) {
      throw new IllegalArgumentException(
          "the order of "
              + members.get(member).worker()
              + " lacks "
              + new Task(work, stage, microBatch, direction));
    }
    return operation;
  }

  private void compute(Function<Crew.Member, List<Task>> orders) {
    for (int member = 0; member < members.size(); member++) {
      Crew.Member worker = members.get(member);
      graph.pause(member, worker.costs().taskSeconds());
      for (Task task : orders.apply(worker)) {
        operations[member][place(task.work(), task.stage(), task.microBatch(), task.direction())] =
            graph.operation(
                member,
                seconds(worker, task),
                Label.code(kind(task), task.stage(), task.microBatch(), task.direction()));
      }
    }
  }

  private Label.Kind kind(Task task) {
    return switch (task.work()) {
      case ATTENTION -> task.stage() == costs.layers() ? Label.Kind.HEAD : Label.Kind.ATTENTION;
      case EXPERTS -> Label.Kind.EXPERTS;
    };
  }

  private double seconds(Crew.Member worker, Task task) {
    boolean forward = task.direction() == Direction.FORWARD;
    return switch (task.work()) {
      case EXPERTS -> (forward ? worker.forward() : worker.backward())[task.stage()];
      case ATTENTION -> {
        if (task.stage() == costs.layers()) {
          yield forward ? worker.costs().head().forward() : worker.costs().head().backward();
        }
        double embedding = 0;
        if (task.stage() == 0) {
          embedding =
              forward
                  ? worker.costs().embedding().forward()
                  : worker.costs().embedding().backward();
        }
        yield embedding
            + (forward
                ? worker.costs().attention().forward()
                : worker.costs().attention().backward());
      }
    };
  }

  /** The attention task whose end lets rows leave. */
  private int sourceOperation(int member, int layer, int microBatch, Direction direction) {
    return operation(
        member, Work.ATTENTION, source(layer, direction), exchange.lastPart(microBatch), direction);
  }

  /** The attention task that waits for rows to come back. */
  private int sinkOperation(int member, int layer, int microBatch, Direction direction) {
    return operation(
        member, Work.ATTENTION, sink(layer, direction), exchange.firstPart(microBatch), direction);
  }

  /** Stage whose attention task sends rows to the experts of a layer. */
  private static int source(int layer, Direction direction) {
    return direction == Direction.FORWARD ? layer : layer + 1;
  }

  /** Stage whose attention task takes what the experts of a layer give back. */
  private static int sink(int layer, Direction direction) {
    return direction == Direction.FORWARD ? layer + 1 : layer;
  }

  private void exchange(Direction direction) {
    for (int layer = 0; layer < costs.layers(); layer++) {
      // The rows of one operation leave in the reverse of the order in which they are added.
      for (int microBatch = costs.microBatches() - 1; microBatch >= 0; microBatch--) {
        dispatch(layer, microBatch, direction);
        combine(layer, microBatch, direction);
      }
    }
    for (int microBatch = 0; microBatch < costs.microBatches(); microBatch++) {
      for (int member = 0; member < members.size(); member++) {
        if (direction == Direction.BACKWARD && members.get(member).attends()) {
          graph.after(
              operation(member, Work.ATTENTION, costs.layers(), microBatch, Direction.BACKWARD),
              operation(member, Work.ATTENTION, costs.layers(), microBatch, Direction.FORWARD));
        }
      }
    }
  }

  private double bytes(double rows, Direction direction) {
    double travels = direction == Direction.FORWARD ? 1 : exchange.backwardTraffic();
    return rows * costs.topK() * costs.rowBytes() * travels;
  }

  /** Bytes that a worker's own tokens bring to others. */
  private double awayBytes(Crew.Member worker, int layer, Direction direction) {
    return bytes(worker.costs().tokens() * (1 - worker.share()[layer]), direction);
  }

  /** Bytes that the tokens of others bring to a worker. */
  private double guestBytes(Crew.Member worker, int layer, Direction direction) {
    return bytes((groupTokens - worker.costs().tokens()) * worker.share()[layer], direction);
  }

  private boolean exchanges(int from, int to) {
    return from != to || members.get(from).size() > 1;
  }

  private void dispatch(int layer, int microBatch, Direction direction) {
    int code = Label.code(Label.Kind.DISPATCH, layer, microBatch, direction);
    int[] arrivals = new int[members.size()];
    for (int to = 0; to < arrivals.length; to++) {
      Crew.Member owner = members.get(to);
      arrivals[to] = -1;
      if (!owner.takesPart()[layer]) {
        continue;
      }
      int experts = operation(to, Work.EXPERTS, layer, microBatch, direction);
      if (owner.attends()) {
        graph.after(experts, sourceOperation(to, layer, microBatch, direction));
      }
      if (hasPeers(to, true, layer)) {
        double takes = owner.costs().link().seconds(guestBytes(owner, layer, direction));
        arrivals[to] = graph.delivery(experts, cards[to], takes, code);
      }
    }
    for (int from = 0; from < arrivals.length; from++) {
      Crew.Member worker = members.get(from);
      if (worker.attends()) {
        int attention = sourceOperation(from, layer, microBatch, direction);
        spread(from, attention, awayBytes(worker, layer, direction), code, arrivals);
      }
    }
  }

  private void combine(int layer, int microBatch, Direction direction) {
    int code = Label.code(Label.Kind.COMBINE, layer, microBatch, direction);
    int[] arrivals = new int[members.size()];
    for (int to = 0; to < arrivals.length; to++) {
      Crew.Member worker = members.get(to);
      arrivals[to] = -1;
      if (!worker.attends()) {
        continue;
      }
      int attention = sinkOperation(to, layer, microBatch, direction);
      if (worker.takesPart()[layer]) {
        graph.after(attention, operation(to, Work.EXPERTS, layer, microBatch, direction));
      }
      if (hasPeers(to, false, layer)) {
        double takes = worker.costs().link().seconds(awayBytes(worker, layer, direction));
        arrivals[to] = graph.delivery(attention, cards[to], takes, code);
      }
    }
    for (int from = 0; from < arrivals.length; from++) {
      Crew.Member owner = members.get(from);
      if (owner.takesPart()[layer]) {
        int experts = operation(from, Work.EXPERTS, layer, microBatch, direction);
        spread(from, experts, guestBytes(owner, layer, direction), code, arrivals);
      }
    }
  }

  /** Whether another worker sends to this one: an attention worker, or an owner of experts. */
  private boolean hasPeers(int to, boolean attention, int layer) {
    for (int from = 0; from < members.size(); from++) {
      Crew.Member worker = members.get(from);
      if ((attention ? worker.attends() : worker.takesPart()[layer]) && exchanges(from, to)) {
        return true;
      }
    }
    return false;
  }

  private void spread(int from, int operation, double bytes, int code, int[] arrivals) {
    int send = -1;
    for (int to = 0; to < arrivals.length; to++) {
      if (arrivals[to] >= 0 && exchanges(from, to)) {
        if (send < 0) {
          LinkCosts link = members.get(from).costs().link();
          send =
              graph.send(operation, cards[from], link.seconds(bytes), link.latencySeconds(), code);
        }
        graph.connect(send, arrivals[to]);
      }
    }
  }

  /**
   * Reduction of gradients among the attention workers, and of replicated experts' when all that
   * own such are done; then everybody's optimizer.
   */
  private void finish() {
    int[] lastWork = new int[members.size()];
    for (int member = 0; member < members.size(); member++) {
      lastWork[member] = graph.lastOf(member);
    }
    for (int member = 0; member < members.size(); member++) {
      Crew.Member worker = members.get(member);
      if (worker.attends()) {
        int reduce =
            graph.operation(
                member,
                worker.costs().reduceSeconds(),
                Label.code(Label.Kind.REDUCE, 0, 0, Direction.FORWARD));
        for (int other = 0; other < members.size(); other++) {
          if (other != member && members.get(other).attends()) {
            graph.after(reduce, lastWork[other]);
          }
        }
      }
      if (worker.reduceSeconds() > 0) {
        int reduce =
            graph.operation(
                member,
                worker.reduceSeconds(),
                Label.code(Label.Kind.REDUCE, 0, 0, Direction.FORWARD));
        for (int other = 0; other < members.size(); other++) {
          if (other != member && members.get(other).reduceSeconds() > 0) {
            graph.after(reduce, lastWork[other]);
          }
        }
      }
      graph.operation(
          member,
          worker.costs().optimizerSeconds()
              + worker.experts() * worker.costs().expertOptimizerSeconds(),
          Label.code(Label.Kind.OPTIMIZER, 0, 0, Direction.FORWARD));
    }
  }
}
