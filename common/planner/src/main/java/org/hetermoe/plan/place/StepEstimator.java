package org.hetermoe.plan.place;

import java.util.List;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.WorkerCosts;
import org.hetermoe.schedule.Schedule;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.schedule.Task.Work;

/**
 * A quick estimate of a step's time, so that a search can compare thousands of placements: the
 * tasks of a schedule, each when its input is there and its worker is free, with each all-to-all as
 * one transfer. It starts with its first sender and ends, for each receiver, when the last sender
 * is done and the receiver's link has taken its share. The simulator follows single messages; what
 * the search finds is for it to decide.
 */
final class StepEstimator {
  private final GroupCosts costs;
  private final WorkerIndex workers;
  private final int[] kinds;
  private final ExpertTimes experts;
  private final WorkerRates rates;
  private final List<TopologicalOrder.Step> order;

  StepEstimator(GroupCosts costs, Schedule schedule) {
    this.costs = costs;
    this.workers = new WorkerIndex(costs);
    this.kinds = workers.kinds();
    this.experts = new ExpertTimes(costs, workers);
    this.rates = new WorkerRates(costs, workers);
    this.order = TopologicalOrder.of(schedule);
  }

  /** The numbers of the group's workers. */
  WorkerIndex workers() {
    return workers;
  }

  /** How long experts take on each of them. */
  ExpertTimes experts() {
    return experts;
  }

  /**
   * Estimated seconds of a step.
   *
   * @param owners by layer and expert
   */
  double seconds(int[][] owners) {
    return new Walk(loads(owners)).seconds();
  }

  /** Messages of a step that a predictor follows if it merges identical workers. */
  double messages(int[][] owners) {
    return loads(owners).messages(costs.microBatches());
  }

  private PlacementLoads loads(int[][] owners) {
    return new PlacementLoads(owners, workers, kinds, experts, rates);
  }

  /** One walk through the tasks of a step under one placement. */
  private final class Walk {
    private final PlacementLoads loads;
    private final int attention = workers.attention();
    private final int attending;
    private final int[] representatives;
    private final double layerRows = (double) costs.tokens() * costs.topK();

    /** When each worker is free, and its link. */
    private final double[] free = new double[workers.size()];

    private final double[] linkOut = new double[workers.size()];
    private final double[] tokensIn = new double[workers.size()];

    /** By side of the owners that send, 1 for attention workers. */
    private final double[][] resultsIn = new double[2][attention];

    /** When a worker has what it waits for: tokens at owners, or results at attention workers. */
    private final double[][] tokensThere = new double[2 * costs.layers() * costs.microBatches()][];

    private final double[][] resultsThere = new double[2 * costs.layers() * costs.microBatches()][];

    private Walk(PlacementLoads loads) {
      this.loads = loads;
      this.attending = loads.attending;
      this.representatives = loads.representatives;
    }

    private double seconds() {
      for (TopologicalOrder.Step step : order) {
        Task task = step.task();
        int pass =
            task.direction() == Direction.FORWARD ? WorkerRates.FORWARD : WorkerRates.BACKWARD;
        if (task.work() == Work.ATTENTION) {
          attention(task, pass);
        } else {
          experts(task, pass, step.attentionSide());
        }
      }
      double end = 0;
      for (int worker : representatives) {
        WorkerCosts own = workers.costs(worker);
        double last =
            free[worker]
                + own.reduceSeconds()
                + own.optimizerSeconds()
                + loads.experts[worker] * own.expertOptimizerSeconds();
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
      double[] each = task.stage() == costs.layers() ? rates.head[pass] : rates.attention[pass];
      for (int index = 0; index < attending; index++) {
        int worker = representatives[index];
        double start = input == null ? free[worker] : Math.max(free[worker], input[worker]);
        free[worker] =
            start + each[worker] + (task.stage() == 0 ? rates.embedding[pass][worker] : 0);
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
      double[] each = loads.seconds[pass][layer];
      boolean any = false;
      for (int worker : loads.owners[layer]) {
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
      double[] rows = loads.rows[layer];
      double lastSent = 0;
      double firstReady = Double.POSITIVE_INFINITY;
      for (int index = 0; index < attending; index++) {
        int worker = representatives[index];
        double start = Math.max(free[worker], linkOut[worker]);
        double others = rates.tokenShare[worker] * (layerRows - rows[worker]);
        linkOut[worker] = start + others * rates.rowTransfer[worker];
        firstReady = Math.min(firstReady, start);
        lastSent = Math.max(lastSent, linkOut[worker]);
      }
      double[] there = new double[free.length];
      for (int worker : loads.owners[layer]) {
        double othersShare = 1 - rates.tokenShare[worker];
        if (othersShare == 0) {
          there[worker] = free[worker];
        } else {
          double taken = rows[worker] * othersShare * rates.rowTransfer[worker];
          tokensIn[worker] = Math.max(lastSent, Math.max(firstReady, tokensIn[worker]) + taken);
          there[worker] = tokensIn[worker] + rates.latency[worker];
        }
      }
      return there;
    }

    /** Results of a side's owners, done just now, to all attention workers. */
    private void combine(int layer, int slot, boolean attentionSide) {
      double[] rows = loads.rows[layer];
      double lastSent = 0;
      double firstReady = Double.POSITIVE_INFINITY;
      double sum = 0;
      for (int worker : loads.owners[layer]) {
        if (worker < attention == attentionSide) {
          double start = Math.max(free[worker], linkOut[worker]);
          linkOut[worker] =
              start + rows[worker] * (1 - rates.tokenShare[worker]) * rates.rowTransfer[worker];
          firstReady = Math.min(firstReady, start);
          lastSent = Math.max(lastSent, linkOut[worker]);
          sum += loads.count[worker] * rows[worker];
        }
      }
      if (resultsThere[slot] == null) {
        resultsThere[slot] = new double[attention];
      }
      double[] there = resultsThere[slot];
      double[] linkIn = resultsIn[attentionSide ? 1 : 0];
      for (int index = 0; index < attending; index++) {
        int worker = representatives[index];
        double others = sum - (attentionSide ? rows[worker] : 0);
        if (others > 0) {
          double taken = others * rates.tokenShare[worker] * rates.rowTransfer[worker];
          linkIn[worker] = Math.max(lastSent, Math.max(firstReady, linkIn[worker]) + taken);
          there[worker] = Math.max(there[worker], linkIn[worker] + rates.latency[worker]);
        }
      }
    }
  }
}
