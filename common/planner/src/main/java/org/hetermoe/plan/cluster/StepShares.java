package org.hetermoe.plan.cluster;

import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.ReplicatedPlacement;
import org.hetermoe.plan.WorkerCosts;

/**
 * Shares of a planned step, by side; a single device's are in the simulated step's timeline.
 *
 * @param attention that attention workers compute, on average
 * @param experts that expert workers compute, on average
 * @param network that the busiest network card sends
 */
public record StepShares(double attention, double experts, double network) {
  private static final double BUSY = 0.7;

  static StepShares of(GroupCosts costs, ReplicatedPlacement replicated, double stepSeconds) {
    int m = costs.attention().size();
    double[] busy = new double[m + costs.expert().size()];
    double[] sent = new double[busy.length];
    double[][] rows = new double[costs.layers()][busy.length];
    int[][] owners = replicated.ownerCounts();
    replicated
        .owners()
        .forEach(
            one -> {
              WorkerRank owner = one.worker();
              int worker =
                  owner.role() == WorkerRank.Role.ATTENTION ? owner.rank() : m + owner.rank();
              double share =
                  costs.rows(one.layer(), one.expert()) / owners[one.layer()][one.expert()];
              rows[one.layer()][worker] += share;
              busy[worker] +=
                  costs.of(owner).experts().forward(share)
                      + costs.of(owner).experts().backward(share);
            });
    for (double[] layer : rows) {
      for (int worker = 0; worker < busy.length; worker++) {
        double part = worker < m ? part(costs, costs.attention().get(worker)) : 0;
        double others = costs.tokens() * (double) costs.topK() - layer[worker];
        sent[worker] += 2 * (part * others + (1 - part) * layer[worker]);
      }
    }
    double network = 0;
    for (int worker = 0; worker < busy.length; worker++) {
      WorkerCosts cost =
          worker < m ? costs.attention().get(worker) : costs.expert().get(worker - m);
      busy[worker] +=
          costs.layers() * cost.attention().both() + cost.embedding().both() + cost.head().both();
      network = Math.max(network, cost.link().seconds(sent[worker] * costs.rowBytes()));
    }
    double perStep = costs.microBatches() / stepSeconds;
    return new StepShares(
        mean(busy, 0, m) * perStep, mean(busy, m, busy.length) * perStep, network * perStep);
  }

  private static double part(GroupCosts costs, WorkerCosts worker) {
    return (double) worker.tokens() / costs.tokens();
  }

  private static double mean(double[] values, int from, int end) {
    double sum = 0;
    for (int index = from; index < end; index++) {
      sum += values[index];
    }
    return end > from ? sum / (end - from) : 0;
  }

  /** What is busiest. */
  Bottleneck limit() {
    double most = Math.max(network, Math.max(attention, experts));
    if (most < BUSY) {
      return Bottleneck.WAITING;
    }
    if (most == network) {
      return Bottleneck.COMMUNICATION;
    }
    return most == attention ? Bottleneck.ATTENTION : Bottleneck.EXPERTS;
  }
}
