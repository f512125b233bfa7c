package org.hetermoe.plan.place;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.hetermoe.group.Peer;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Placement;
import org.hetermoe.plan.Schedule;
import org.hetermoe.plan.Task;
import org.hetermoe.plan.Task.Direction;
import org.hetermoe.plan.Task.Work;
import org.hetermoe.plan.WorkerCosts;

/**
 * A quick estimate of a step's time, for a search to look at thousands of placements: the tasks of
 * a schedule, each when its input is there and its worker is free, with each all-to-all as one
 * transfer that starts with its first sender and ends, for each receiver, when the last sender is
 * done and the receiver's link has taken its share. The simulator follows single messages; what the
 * search finds is for it to judge.
 *
 * <p>Workers are numbered with the attention workers first.
 */
final class QuickClock {
  private final GroupCosts costs;
  private final int attention;
  private final List<WorkerCosts> workers;
  private final List<Step> order;
  private final double[][] expertRows;

  /** A task of all workers of a side. */
  private record Step(boolean attentionSide, Task task) {}

  QuickClock(GroupCosts costs, Schedule schedule) {
    this.costs = costs;
    this.attention = costs.attention().size();
    this.workers = Stream.concat(costs.attention().stream(), costs.expert().stream()).toList();
    this.order = order(schedule);
    this.expertRows = new double[costs.layers()][costs.experts()];
    for (int layer = 0; layer < costs.layers(); layer++) {
      for (int expert = 0; expert < costs.experts(); expert++) {
        expertRows[layer][expert] = costs.rows(layer, expert);
      }
    }
  }

  /** How many things an estimate looks at. */
  long effort() {
    return 2L * order.size() * workers.size();
  }

  /** Rows of an expert in one micro-batch. */
  double rows(int layer, int expert) {
    return expertRows[layer][expert];
  }

  int index(Peer worker) {
    return worker.role() == Peer.Role.ATTENTION ? worker.rank() : attention + worker.rank();
  }

  Peer worker(int index) {
    return index < attention ? Peer.attention(index) : Peer.expert(index - attention);
  }

  List<WorkerCosts> workers() {
    return workers;
  }

  Placement placement(int[][] owners) {
    return new Placement(
        Arrays.stream(owners)
            .map(layer -> Arrays.stream(layer).mapToObj(this::worker).toList())
            .toList());
  }

  int[][] owners(Placement placement) {
    return placement.owners().stream()
        .map(layer -> layer.stream().mapToInt(this::index).toArray())
        .toArray(int[][]::new);
  }

  /** Both sides' tasks in an order in which each comes after what it needs. */
  private static List<Step> order(Schedule schedule) {
    List<Task> attention = schedule.attention();
    List<Task> experts = schedule.experts();
    int layers = schedule.expertLayers();
    boolean[] sent = new boolean[2 * (layers + 1) * schedule.microBatches()];
    boolean[] computed = new boolean[2 * (layers + 1) * schedule.microBatches()];
    List<Step> order = new ArrayList<>();
    int nextAttention = 0;
    int nextExpert = 0;
    while (nextAttention < attention.size() || nextExpert < experts.size()) {
      boolean moved = false;
      while (nextExpert < experts.size() && sent[slot(schedule, layers, experts.get(nextExpert))]) {
        Task task = experts.get(nextExpert++);
        computed[slot(schedule, layers, task)] = true;
        order.add(new Step(false, task));
        moved = true;
      }
      while (nextAttention < attention.size()
          && ready(schedule, layers, attention.get(nextAttention), computed)) {
        Task task = attention.get(nextAttention++);
        if (task.work() == Work.ATTENTION) {
          int layer = task.direction() == Direction.FORWARD ? task.stage() : task.stage() - 1;
          if (layer >= 0) {
            sent[slot(schedule, layers, Task.experts(layer, task.microBatch(), task.direction()))] =
                true;
          }
        }
        order.add(new Step(true, task));
        moved = true;
      }
      if (!moved) {
        throw new IllegalArgumentException("the two sides of " + schedule + " wait for each other");
      }
    }
    return order;
  }

  private static boolean ready(Schedule schedule, int layers, Task task, boolean[] computed) {
    if (task.work() == Work.EXPERTS) {
      return true;
    }
    int layer = task.direction() == Direction.FORWARD ? task.stage() - 1 : task.stage();
    return layer < 0
        || layer >= layers
        || computed[
            slot(schedule, layers, Task.experts(layer, task.microBatch(), task.direction()))];
  }

  private static int slot(Schedule schedule, int layers, Task task) {
    int direction = task.direction() == Direction.FORWARD ? 0 : 1;
    return (direction * (layers + 1) + task.stage()) * schedule.microBatches() + task.microBatch();
  }

  /**
   * Estimated seconds of a step.
   *
   * @param owners per layer, per expert, the number of its worker
   */
  double seconds(int[][] owners) {
    return new Estimate(owners).seconds();
  }

  /** One look at one placement. */
  private final class Estimate {
    private final int count = workers.size();
    private final int[][] owned = new int[costs.layers()][count];
    private final double[][] rows = new double[costs.layers()][count];
    private final double[] free = new double[count];
    private final double[] linkOut = new double[count];
    private final double[] tokensIn = new double[count];
    private final double[] resultsIn = new double[count];

    /** When a worker has what it waits for: tokens at owners, or results at attention workers. */
    private final double[][] tokensThere = new double[2 * costs.layers() * costs.microBatches()][];

    private final double[][] resultsThere = new double[2 * costs.layers() * costs.microBatches()][];

    private Estimate(int[][] owners) {
      for (int layer = 0; layer < owners.length; layer++) {
        for (int expert = 0; expert < owners[layer].length; expert++) {
          double share = expertRows[layer][expert];
          rows[layer][owners[layer][expert]] += share;
          owned[layer][owners[layer][expert]] += share > 0 ? 1 : 0;
        }
      }
    }

    private double seconds() {
      for (Step step : order) {
        Task task = step.task();
        if (task.work() == Work.ATTENTION) {
          attention(task);
        } else if (step.attentionSide()) {
          experts(task, 0, attention);
        } else {
          experts(task, attention, count);
        }
      }
      double end = 0;
      for (int worker = 0; worker < count; worker++) {
        WorkerCosts cost = workers.get(worker);
        long experts = 0;
        for (int[] layer : owned) {
          experts += layer[worker];
        }
        end =
            Math.max(
                end,
                free[worker]
                    + cost.reduceSeconds()
                    + cost.optimizerSeconds()
                    + experts * cost.expertOptimizerSeconds());
      }
      return end;
    }

    private int slot(int layer, Task task) {
      int direction = task.direction() == Direction.FORWARD ? 0 : 1;
      return (direction * costs.layers() + layer) * costs.microBatches() + task.microBatch();
    }

    private void attention(Task task) {
      boolean forward = task.direction() == Direction.FORWARD;
      int from = forward ? task.stage() - 1 : task.stage();
      double[] input = from >= 0 && from < costs.layers() ? resultsThere[slot(from, task)] : null;
      double[] done = new double[count];
      for (int worker = 0; worker < attention; worker++) {
        WorkerCosts cost = workers.get(worker);
        double seconds =
            task.stage() == costs.layers()
                ? (forward ? cost.head().forward() : cost.head().backward())
                : (forward ? cost.attention().forward() : cost.attention().backward());
        if (task.stage() == 0) {
          seconds += forward ? cost.embedding().forward() : cost.embedding().backward();
        }
        double start = input == null ? free[worker] : Math.max(free[worker], input[worker]);
        free[worker] = start + seconds;
        done[worker] = free[worker];
      }
      int to = forward ? task.stage() : task.stage() - 1;
      if (to >= 0 && to < costs.layers()) {
        tokensThere[slot(to, task)] = dispatch(to, done);
      }
    }

    private void experts(Task task, int first, int end) {
      int layer = task.stage();
      boolean forward = task.direction() == Direction.FORWARD;
      double[] input = tokensThere[slot(layer, task)];
      double[] done = new double[count];
      boolean any = false;
      for (int worker = first; worker < end; worker++) {
        if (owned[layer][worker] == 0) {
          continue;
        }
        any = true;
        var cost = workers.get(worker).experts();
        double fixed = forward ? cost.fixed().forward() : cost.fixed().backward();
        double perRow = forward ? cost.perRow().forward() : cost.perRow().backward();
        free[worker] =
            Math.max(free[worker], input[worker])
                + owned[layer][worker] * fixed
                + rows[layer][worker] * perRow;
        done[worker] = free[worker];
      }
      if (any) {
        combine(layer, slot(layer, task), done, first, end);
      }
    }

    /** Tokens of all attention workers to the owners of a layer's experts. */
    private double[] dispatch(int layer, double[] done) {
      double lastSent = 0;
      double firstReady = Double.POSITIVE_INFINITY;
      for (int worker = 0; worker < attention; worker++) {
        WorkerCosts cost = workers.get(worker);
        double start = Math.max(done[worker], linkOut[worker]);
        firstReady = Math.min(firstReady, start);
        double others = 1 - rows[layer][worker] / layerRows();
        linkOut[worker] =
            start
                + cost.tokens()
                    * costs.topK()
                    * others
                    * costs.rowBytes()
                    / cost.link().bytesPerSecond();
        lastSent = Math.max(lastSent, linkOut[worker]);
      }
      double[] there = new double[count];
      for (int worker = 0; worker < count; worker++) {
        if (owned[layer][worker] == 0) {
          continue;
        }
        WorkerCosts cost = workers.get(worker);
        double own = worker < attention ? (double) cost.tokens() / costs.tokens() : 0;
        if (own == 1) {
          there[worker] = done[worker];
          continue;
        }
        double taken =
            rows[layer][worker] * (1 - own) * costs.rowBytes() / cost.link().bytesPerSecond();
        tokensIn[worker] = Math.max(lastSent, Math.max(firstReady, tokensIn[worker]) + taken);
        there[worker] = tokensIn[worker] + cost.link().latencySeconds();
      }
      return there;
    }

    /** Results of the owners between two numbers to all attention workers. */
    private void combine(int layer, int slot, double[] done, int first, int end) {
      double lastSent = 0;
      double firstReady = Double.POSITIVE_INFINITY;
      double sum = 0;
      for (int worker = first; worker < end; worker++) {
        if (owned[layer][worker] == 0) {
          continue;
        }
        WorkerCosts cost = workers.get(worker);
        double start = Math.max(done[worker], linkOut[worker]);
        firstReady = Math.min(firstReady, start);
        double own = worker < attention ? (double) cost.tokens() / costs.tokens() : 0;
        linkOut[worker] =
            start
                + rows[layer][worker] * (1 - own) * costs.rowBytes() / cost.link().bytesPerSecond();
        lastSent = Math.max(lastSent, linkOut[worker]);
        sum += rows[layer][worker];
      }
      double[] there = resultsThere[slot] == null ? new double[attention] : resultsThere[slot];
      resultsThere[slot] = there;
      for (int worker = 0; worker < attention; worker++) {
        WorkerCosts cost = workers.get(worker);
        double share = (double) cost.tokens() / costs.tokens();
        double own = worker >= first && worker < end ? rows[layer][worker] : 0;
        double taken = (sum - own) * share * costs.rowBytes() / cost.link().bytesPerSecond();
        if (taken > 0) {
          resultsIn[worker] = Math.max(lastSent, Math.max(firstReady, resultsIn[worker]) + taken);
          there[worker] = Math.max(there[worker], resultsIn[worker] + cost.link().latencySeconds());
        }
      }
    }

    private double layerRows() {
      return (double) costs.tokens() * costs.topK();
    }
  }
}
