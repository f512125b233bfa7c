package org.hetermoe.simulate;

import java.util.Arrays;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.LinkCosts;
import org.hetermoe.plan.WorkerCosts;

/**
 * A worker of a group and its part of the experts, or several workers that are identical in all of
 * it. Arrays have an entry for each layer; seconds are of one micro-batch.
 *
 * @param worker the first of them
 * @param costs of each
 * @param count how many workers this one stands for
 * @param experts that each owns, over all layers
 * @param share of the layer's rows that each computes, from 0 to 1
 * @param forward seconds of each worker's experts in the forward pass
 * @param backward seconds of each worker's experts in the backward pass
 * @param owns whether each owns experts of the layer
 * @param replicaReduceSeconds that reducing the gradients of replicated experts takes each, a step
 */
record SimulatedWorker(
    WorkerRank worker,
    WorkerCosts costs,
    int count,
    int experts,
    double[] share,
    double[] forward,
    double[] backward,
    boolean[] owns,
    double replicaReduceSeconds) {
  /** Whether it computes attention. */
  boolean attends() {
    return worker.role() == WorkerRank.Role.ATTENTION;
  }

  /** Whether another worker does exactly the same; workers that share a network card never do. */
  boolean identicalTo(SimulatedWorker other) {
    return worker.role() == other.worker.role()
        && costs.link().nic() == LinkCosts.OWN
        && costs.equals(other.costs)
        && replicaReduceSeconds == other.replicaReduceSeconds
        && Arrays.equals(share, other.share)
        && Arrays.equals(forward, other.forward)
        && Arrays.equals(backward, other.backward)
        && Arrays.equals(owns, other.owns);
  }

  /** The same, standing for one more worker. */
  SimulatedWorker withOneMore() {
    return new SimulatedWorker(
        worker, costs, count + 1, experts, share, forward, backward, owns, replicaReduceSeconds);
  }
}
