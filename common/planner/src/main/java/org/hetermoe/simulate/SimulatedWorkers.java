package org.hetermoe.simulate;

import java.util.ArrayList;
import java.util.List;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.ExpertCosts;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Replica;
import org.hetermoe.plan.ReplicatedPlacement;
import org.hetermoe.plan.WorkerCosts;

/**
 * What each worker of a group computes under a placement, attention workers first. Workers that are
 * identical in everything (same costs, same share of the rows and same seconds in every layer) do
 * the same at the same time, so that one may stand for all of them: merging is exact, and the time
 * of a simulation grows with the number of different workers only.
 */
final class SimulatedWorkers {
  private final GroupCosts costs;
  private final int attention;
  private final double meanRows;
  private final List<SimulatedWorker> workers = new ArrayList<>();

  /** The workers of a placement with one owner for each expert. */
  SimulatedWorkers(GroupCosts costs, Placement placement, boolean merge) {
    this(costs, new ReplicatedPlacement(placement), merge);
  }

  /**
   * The workers of a placement.
   *
   * @param merge whether one stands for all that are identical
   * @throws IllegalArgumentException if the placement is not of the group that costs describe
   */
  SimulatedWorkers(GroupCosts costs, ReplicatedPlacement replicated, boolean merge) {
    this.costs = costs;
    this.attention = costs.attention().size();
    this.meanRows = (double) costs.tokens() * costs.topK() / costs.experts();
    Placement placement = replicated.placement();
    if (placement.layers() != costs.layers() || placement.experts() != costs.experts()) {
      throw new IllegalArgumentException(
          "a placement of "
              + placement.layers()
              + " layers and "
              + placement.experts()
              + " experts does not fit costs of "
              + costs.layers()
              + " and "
              + costs.experts());
    }
    List<Load> loads = new ArrayList<>(attention + costs.expert().size());
    for (int rank = 0; rank < attention; rank++) {
      loads.add(new Load(WorkerRank.attention(rank)));
    }
    for (int rank = 0; rank < costs.expert().size(); rank++) {
      loads.add(new Load(WorkerRank.expert(rank)));
    }
    int[][] owners = replicated.ownerCounts();
    for (int layer = 0; layer < costs.layers(); layer++) {
      for (int expert = 0; expert < costs.experts(); expert++) {
        loads.get(index(placement.owner(layer, expert))).add(layer, expert, owners[layer][expert]);
      }
    }
    for (Replica replica : replicated.replicas()) {
      loads
          .get(index(replica.worker()))
          .add(replica.layer(), replica.expert(), owners[replica.layer()][replica.expert()]);
    }
    loads.forEach(load -> add(load.worker(), merge));
  }

  private int index(WorkerRank worker) {
    boolean attends = worker.role() == WorkerRank.Role.ATTENTION;
    if (worker.rank() >= (attends ? attention : costs.expert().size())) {
      throw new IllegalArgumentException("the group has no worker " + worker);
    }
    return attends ? worker.rank() : attention + worker.rank();
  }

  private void add(SimulatedWorker worker, boolean merge) {
    if (merge) {
      for (int known = 0; known < workers.size(); known++) {
        if (workers.get(known).identicalTo(worker)) {
          workers.set(known, workers.get(known).withOneMore());
          return;
        }
      }
    }
    workers.add(worker);
  }

  /** The workers, attention workers first. */
  List<SimulatedWorker> all() {
    return workers;
  }

  /** What one worker's experts add up to. */
  private final class Load {
    private final WorkerRank rank;
    private final WorkerCosts own;
    private final double[] share = new double[costs.layers()];
    private final double[] forward = new double[costs.layers()];
    private final double[] backward = new double[costs.layers()];
    private final boolean[] owns = new boolean[costs.layers()];
    private int experts;
    private double reduceSeconds;

    private Load(WorkerRank rank) {
      this.rank = rank;
      this.own = costs.of(rank);
    }

    /** Adds an expert, or its part where it has several owners. */
    private void add(int layer, int expert, int owners) {
      double load = costs.loads().of(layer, expert) / owners;
      double rows = meanRows * load;
      ExpertCosts seconds = own.experts();
      share[layer] += load / costs.experts();
      forward[layer] += seconds.forward(rows);
      backward[layer] += seconds.backward(rows);
      owns[layer] = true;
      experts++;
      reduceSeconds += costs.replicaSeconds(own, owners);
    }

    private SimulatedWorker worker() {
      return new SimulatedWorker(
          rank, own, 1, experts, share, forward, backward, owns, reduceSeconds);
    }
  }
}
