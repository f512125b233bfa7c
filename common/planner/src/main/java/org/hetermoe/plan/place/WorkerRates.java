package org.hetermoe.plan.place;

import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Passes;
import org.hetermoe.plan.WorkerCosts;

/**
 * What workers take whatever the placement, as arrays for the {@link StepEstimator}: seconds of one
 * micro-batch by pass ({@link #FORWARD}, {@link #BACKWARD}) and worker.
 */
final class WorkerRates {
  static final int FORWARD = 0;
  static final int BACKWARD = 1;

  /** Attention of a layer, with the pause before the task. */
  final double[][] attention;

  final double[][] embedding;

  /** Head and loss, with the pause before the task. */
  final double[][] head;

  /** Of an expert, however few its rows. */
  final double[][] perExpert;

  /** Of each row of an expert. */
  final double[][] perRow;

  /** In which a worker's link takes or gives one row, while all on its network card do so too. */
  final double[] rowTransfer;

  /** Of a message over a worker's link. */
  final double[] latency;

  /** That pass before each task. */
  final double[] pause;

  /** A worker's share of the group's tokens, from 0 to 1; 0 for an expert worker. */
  final double[] tokenShare;

  WorkerRates(GroupCosts costs, WorkerIndex workers) {
    int count = workers.size();
    attention = new double[2][workers.attention()];
    embedding = new double[2][workers.attention()];
    head = new double[2][workers.attention()];
    perExpert = new double[2][count];
    perRow = new double[2][count];
    rowTransfer = new double[count];
    latency = new double[count];
    pause = new double[count];
    tokenShare = new double[count];
    long tokens = costs.tokens();
    int[] workersOnCard = costs.workersOnCard();
    for (int worker = 0; worker < count; worker++) {
      WorkerCosts own = workers.costs(worker);
      if (worker < workers.attention()) {
        set(attention, worker, paused(own, own.attention()));
        set(embedding, worker, own.embedding());
        set(head, worker, paused(own, own.head()));
      }
      set(perExpert, worker, own.experts().fixed());
      set(perRow, worker, own.experts().perRow());
      rowTransfer[worker] = workersOnCard[worker] * own.link().seconds(costs.rowBytes());
      latency[worker] = own.link().latencySeconds();
      pause[worker] = own.taskSeconds();
      tokenShare[worker] = (double) own.tokens() / tokens;
    }
  }

  private static Passes paused(WorkerCosts own, Passes passes) {
    return new Passes(
        passes.forward() > 0 ? own.taskSeconds() + passes.forward() : 0,
        passes.backward() > 0 ? own.taskSeconds() + passes.backward() : 0);
  }

  private static void set(double[][] table, int worker, Passes passes) {
    table[FORWARD][worker] = passes.forward();
    table[BACKWARD][worker] = passes.backward();
  }
}
