package org.hetermoe.plan;

/**
 * How many experts, of all layers together, the memory of a worker holds whichever they are: the
 * hottest count, since they keep the most rows.
 */
public final class ExpertCapacity {
  private final GroupCosts costs;

  /** The capacities of a group's workers. */
  public ExpertCapacity(GroupCosts costs) {
    this.costs = costs;
  }

  /** Experts that a worker holds; {@link Long#MAX_VALUE} if they take nothing. */
  public long of(WorkerCosts worker) {
    long each = bytesOfMeanExpert(costs, worker);
    return each <= 0
        ? Long.MAX_VALUE
        : Math.max(0, (worker.memoryBytes() - worker.residentBytes()) / each);
  }

  /** Bytes that an expert with its layer's mean rows takes. */
  public static long bytesOfMeanExpert(GroupCosts costs, WorkerCosts worker) {
    return worker.bytesOfExpert(
        (double) costs.microBatches() * costs.tokens() * costs.topK() / costs.experts());
  }

  /** Whether a worker holds all experts of all layers. */
  public boolean holdsAll(WorkerCosts worker) {
    return of(worker) >= (long) costs.layers() * costs.experts();
  }
}
