package org.hetermoe.plan.place;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Passes;
import org.hetermoe.plan.WorkerCosts;
import org.hetermoe.schedule.Schedule;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.schedule.Task.Work;

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
  private final Rates rates;

  /** Workers with the same number cost the same. */
  private final int[] kind;

  /** A task of all workers of a side. */
  private record Step(boolean attentionSide, Task task) {}

  QuickClock(GroupCosts costs, Schedule schedule) {
    this.costs = costs;
    this.attention = costs.attention().size();
    this.workers = Stream.concat(costs.attention().stream(), costs.expert().stream()).toList();
    this.order = order(schedule);
    this.rates = new Rates();
    this.kind = new int[workers.size()];
    Map<Object, Integer> kinds = new HashMap<>();
    for (int worker = 0; worker < kind.length; worker++) {
      kind[worker] =
          kinds.computeIfAbsent(
              List.of(worker < attention, workers.get(worker)), key -> kinds.size());
    }
    this.expertRows = new double[costs.layers()][costs.experts()];
    for (int layer = 0; layer < costs.layers(); layer++) {
      for (int expert = 0; expert < costs.experts(); expert++) {
        expertRows[layer][expert] = costs.rows(layer, expert);
      }
    }
  }

  /** Rows of an expert in one micro-batch. */
  double rows(int layer, int expert) {
    return expertRows[layer][expert];
  }

  /** Seconds of an expert in one micro-batch, both ways, on a worker. */
  double seconds(int worker, int layer, int expert) {
    double share = expertRows[layer][expert];
    return share > 0
        ? rates.fixed[0][worker]
            + rates.fixed[1][worker]
            + share * (rates.perRow[0][worker] + rates.perRow[1][worker])
        : 0;
  }

  int index(WorkerRank worker) {
    return worker.role() == WorkerRank.Role.ATTENTION ? worker.rank() : attention + worker.rank();
  }

  WorkerRank worker(int index) {
    return index < attention ? WorkerRank.attention(index) : WorkerRank.expert(index - attention);
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

  /**
   * Messages that a predictor follows if it takes workers that do the same as one, whatever the
   * size of the group.
   */
  double messages(int[][] owners) {
    Estimate estimate = new Estimate(owners);
    double tasks = 4.0 * costs.layers() * costs.microBatches();
    return tasks * estimate.attending * estimate.acting.length;
  }

  /** What does not depend on the placement, by worker; forward first, then backward. */
  private final class Rates {
    private final double[][] attend = new double[2][attention];
    private final double[][] enter = new double[2][attention];
    private final double[][] head = new double[2][attention];
    private final double[][] fixed = new double[2][workers.size()];
    private final double[][] perRow = new double[2][workers.size()];
    private final double[] rowSeconds = new double[workers.size()];
    private final double[] latency = new double[workers.size()];
    private final double[] before = new double[workers.size()];

    /** A worker's part of the group's tokens; 0 for an expert worker. */
    private final double[] part = new double[workers.size()];

    private Rates() {
      int[] onCard = costs.workersOnCard();
      for (int worker = 0; worker < workers.size(); worker++) {
        WorkerCosts cost = workers.get(worker);
        if (worker < attention) {
          both(attend, worker, paused(cost, cost.attention()));
          both(enter, worker, cost.embedding());
          both(head, worker, paused(cost, cost.head()));
        }
        both(fixed, worker, cost.experts().fixed());
        both(perRow, worker, cost.experts().perRow());
        rowSeconds[worker] = onCard[worker] * cost.link().seconds(costs.rowBytes());
        before[worker] = cost.taskSeconds();
        latency[worker] = cost.link().latencySeconds();
        part[worker] = (double) cost.tokens() / costs.tokens();
      }
    }

    private static Passes paused(WorkerCosts cost, Passes passes) {
      return new Passes(
          passes.forward() > 0 ? cost.taskSeconds() + passes.forward() : 0,
          passes.backward() > 0 ? cost.taskSeconds() + passes.backward() : 0);
    }

    private static void both(double[][] table, int worker, Passes passes) {
      table[0][worker] = passes.forward();
      table[1][worker] = passes.backward();
    }
  }

  /** One look at one placement. */
  private final class Estimate {
    private final int count = workers.size();
    private final double layerRows = (double) costs.tokens() * costs.topK();
    private final double[][] rows = new double[costs.layers()][count];
    private final double[][][] compute = new double[2][costs.layers()][count];
    private final int[][] ownersOf = new int[costs.layers()][];
    private final long[] experts = new long[count];
    private final int[] size = new int[count];
    private int[] acting;
    private int attending;
    private final double[] free = new double[count];
    private final double[] linkOut = new double[count];
    private final double[] tokensIn = new double[count];
    private final double[][] resultsIn = new double[2][attention];

    /** When a worker has what it waits for: tokens at owners, or results at attention workers. */
    private final double[][] tokensThere = new double[2 * costs.layers() * costs.microBatches()][];

    private final double[][] resultsThere = new double[2 * costs.layers() * costs.microBatches()][];

    private Estimate(int[][] owners) {
      int[][] owned = new int[owners.length][count];
      long[] pattern = new long[count];
      for (int layer = 0; layer < owners.length; layer++) {
        for (int expert = 0; expert < owners[layer].length; expert++) {
          int owner = owners[layer][expert];
          double share = expertRows[layer][expert];
          rows[layer][owner] += share;
          experts[owner]++;
          owned[layer][owner]++;
          if (share > 0) {
            compute[0][layer][owner] += rates.fixed[0][owner] + share * rates.perRow[0][owner];
            compute[1][layer][owner] += rates.fixed[1][owner] + share * rates.perRow[1][owner];
          }
        }
        for (int worker = 0; worker < count; worker++) {
          for (double[][] pass : compute) {
            pass[layer][worker] += pass[layer][worker] > 0 ? rates.before[worker] : 0;
          }
          pattern[worker] = 31 * pattern[worker] + Double.hashCode(rows[layer][worker]);
        }
      }
      merge(owned, pattern);
      for (int layer = 0; layer < owners.length; layer++) {
        int taking = 0;
        int[] part = new int[count];
        for (int worker : acting) {
          if (owned[layer][worker] > 0) {
            part[taking++] = worker;
          }
        }
        ownersOf[layer] = Arrays.copyOf(part, taking);
      }
    }

    /** Of workers that are alike in all that they do, the first acts for all. */
    private void merge(int[][] owned, long[] pattern) {
      Map<Long, List<Integer>> known = new HashMap<>();
      int[] first = new int[count];
      int different = 0;
      for (int worker = 0; worker < count; worker++) {
        int one = worker;
        List<Integer> similar =
            known.computeIfAbsent(31 * pattern[worker] + kind[worker], key -> new ArrayList<>());
        int like =
            similar.stream()
                .filter(other -> kind[other] == kind[one] && sameShare(owned, one, other))
                .findFirst()
                .orElse(worker);
        if (like == worker) {
          similar.add(worker);
          first[different++] = worker;
          attending += worker < attention ? 1 : 0;
        }
        size[like]++;
      }
      acting = Arrays.copyOf(first, different);
    }

    private boolean sameShare(int[][] owned, int one, int other) {
      for (int layer = 0; layer < owned.length; layer++) {
        if (owned[layer][one] != owned[layer][other] || rows[layer][one] != rows[layer][other]) {
          return false;
        }
      }
      return true;
    }

    private double seconds() {
      for (Step step : order) {
        Task task = step.task();
        int pass = task.direction() == Direction.FORWARD ? 0 : 1;
        if (task.work() == Work.ATTENTION) {
          attention(task, pass);
        } else {
          experts(task, pass, step.attentionSide());
        }
      }
      double end = 0;
      for (int worker : acting) {
        WorkerCosts cost = workers.get(worker);
        double last =
            free[worker]
                + cost.reduceSeconds()
                + cost.optimizerSeconds()
                + experts[worker] * cost.expertOptimizerSeconds();
        end = Math.max(end, last);
      }
      return end;
    }

    private int slot(int layer, int microBatch, int pass) {
      return (pass * costs.layers() + layer) * costs.microBatches() + microBatch;
    }

    private void attention(Task task, int pass) {
      int from = task.stage() - 1 + pass;
      double[] input =
          from >= 0 && from < costs.layers()
              ? resultsThere[slot(from, task.microBatch(), pass)]
              : null;
      double[] each = task.stage() == costs.layers() ? rates.head[pass] : rates.attend[pass];
      for (int index = 0; index < attending; index++) {
        int worker = acting[index];
        double start = input == null ? free[worker] : Math.max(free[worker], input[worker]);
        free[worker] = start + each[worker] + (task.stage() == 0 ? rates.enter[pass][worker] : 0);
      }
      int to = task.stage() - pass;
      if (to >= 0 && to < costs.layers()) {
        tokensThere[slot(to, task.microBatch(), pass)] = dispatch(to);
      }
    }

    private void experts(Task task, int pass, boolean attentionSide) {
      int layer = task.stage();
      int slot = slot(layer, task.microBatch(), pass);
      double[] input = tokensThere[slot];
      double[] each = compute[pass][layer];
      boolean any = false;
      for (int worker : ownersOf[layer]) {
        if (worker < attention == attentionSide) {
          any = true;
          free[worker] = Math.max(free[worker], input[worker]) + each[worker];
        }
      }
      if (any) {
        combine(layer, slot, attentionSide);
      }
    }

    /** Tokens of all attention workers, done just now, to the owners of a layer's experts. */
    private double[] dispatch(int layer) {
      double[] share = rows[layer];
      double lastSent = 0;
      double firstReady = Double.POSITIVE_INFINITY;
      for (int index = 0; index < attending; index++) {
        int worker = acting[index];
        double start = Math.max(free[worker], linkOut[worker]);
        double others = rates.part[worker] * (layerRows - share[worker]);
        linkOut[worker] = start + others * rates.rowSeconds[worker];
        firstReady = Math.min(firstReady, start);
        lastSent = Math.max(lastSent, linkOut[worker]);
      }
      double[] there = new double[count];
      for (int worker : ownersOf[layer]) {
        double guests = 1 - rates.part[worker];
        if (guests == 0) {
          there[worker] = free[worker];
        } else {
          double taken = share[worker] * guests * rates.rowSeconds[worker];
          tokensIn[worker] = Math.max(lastSent, Math.max(firstReady, tokensIn[worker]) + taken);
          there[worker] = tokensIn[worker] + rates.latency[worker];
        }
      }
      return there;
    }

    /** Results of a side's owners, done just now, to all attention workers. */
    private void combine(int layer, int slot, boolean attentionSide) {
      double[] share = rows[layer];
      double lastSent = 0;
      double firstReady = Double.POSITIVE_INFINITY;
      double sum = 0;
      for (int worker : ownersOf[layer]) {
        if (worker < attention == attentionSide) {
          double start = Math.max(free[worker], linkOut[worker]);
          linkOut[worker] =
              start + share[worker] * (1 - rates.part[worker]) * rates.rowSeconds[worker];
          firstReady = Math.min(firstReady, start);
          lastSent = Math.max(lastSent, linkOut[worker]);
          sum += size[worker] * share[worker];
        }
      }
      if (resultsThere[slot] == null) {
        resultsThere[slot] = new double[attention];
      }
      double[] there = resultsThere[slot];
      double[] cardIn = resultsIn[attentionSide ? 1 : 0];
      for (int index = 0; index < attending; index++) {
        int worker = acting[index];
        double others = sum - (attentionSide ? share[worker] : 0);
        if (others > 0) {
          double taken = others * rates.part[worker] * rates.rowSeconds[worker];
          cardIn[worker] = Math.max(lastSent, Math.max(firstReady, cardIn[worker]) + taken);
          there[worker] = Math.max(there[worker], cardIn[worker] + rates.latency[worker]);
        }
      }
    }
  }
}
