package org.hetermoe.plan.place;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.ExpertCapacity;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.ReplicatedPlacement;
import org.hetermoe.plan.WorkerCosts;

/** How many experts, of all layers together, each worker of a group may hold. */
final class MemoryCapacity {
  private final long[] experts;

  private MemoryCapacity(long[] experts) {
    this.experts = experts;
  }

  /**
   * What the memory of the workers holds.
   *
   * @param asymEa whether attention workers may own experts
   */
  static MemoryCapacity of(GroupCosts costs, WorkerIndex workers, boolean asymEa) {
    long all = (long) costs.layers() * costs.experts();
    ExpertCapacity capacity = new ExpertCapacity(costs);
    long[] experts = new long[workers.size()];
    for (int worker = 0; worker < experts.length; worker++) {
      boolean mayOwn = asymEa || worker >= workers.attention();
      experts[worker] = mayOwn ? Math.min(all, capacity.of(workers.costs(worker))) : 0;
    }
    return new MemoryCapacity(experts);
  }

  /** How many experts a worker may hold. */
  long of(int worker) {
    return experts[worker];
  }

  /** What is left, by worker, when experts have these owners; negative where it is too little. */
  long[] left(int[][] owners) {
    long[] left = experts.clone();
    for (int[] layer : owners) {
      for (int owner : layer) {
        left[owner]--;
      }
    }
    return left;
  }

  /** Whether experts with these owners fit. */
  boolean fits(int[][] owners) {
    return Arrays.stream(left(owners)).allMatch(left -> left >= 0);
  }

  /** The capacity that is left when each worker holds so many experts already. */
  MemoryCapacity minus(long[] held) {
    long[] left = experts.clone();
    for (int worker = 0; worker < left.length; worker++) {
      left[worker] -= held[worker];
    }
    return new MemoryCapacity(left);
  }

  /** Why no placement fits; empty if one does. */
  static Optional<String> shortage(GroupCosts costs, boolean asymEa) {
    WorkerIndex workers = new WorkerIndex(costs);
    for (int worker = 0; worker < workers.attention(); worker++) {
      WorkerCosts own = workers.costs(worker);
      if (own.residentBytes() > own.memoryBytes()) {
        return Optional.of(
            "memory: %s (%s) needs %s before any expert and has %s"
                .formatted(
                    workers.worker(worker),
                    own.device(),
                    gigabytes(own.residentBytes()),
                    gigabytes(own.memoryBytes())));
      }
    }
    long[] held = of(costs, workers, asymEa).experts;
    long heldByAttention = Arrays.stream(held, 0, workers.attention()).sum();
    long heldByAll = Arrays.stream(held).sum();
    long all = (long) costs.layers() * costs.experts();
    if (heldByAll >= all) {
      return Optional.empty();
    }
    List<WorkerCosts> owners = costs.expert().isEmpty() ? costs.attention() : costs.expert();
    return Optional.of(
        "memory: the group holds %d experts of %d (%d of them on attention workers); an expert takes %s"
            .formatted(
                heldByAll,
                all,
                heldByAttention,
                gigabytes(ExpertCapacity.bytesOfMeanExpert(costs, owners.getFirst()))));
  }

  /** The first worker that does not hold what a placement gives it; empty if all fits. */
  static Optional<String> overflow(GroupCosts costs, Placement placement) {
    WorkerIndex workers = new WorkerIndex(costs);
    long[] owned = new long[workers.size()];
    for (List<WorkerRank> layer : placement.owners()) {
      for (WorkerRank owner : layer) {
        owned[workers.of(owner)]++;
      }
    }
    long[] needed = costs.memoryBytes(new ReplicatedPlacement(placement));
    for (int worker = 0; worker < owned.length; worker++) {
      WorkerCosts own = workers.costs(worker);
      // An expert worker without experts is not needed, whatever it has.
      boolean used = owned[worker] > 0 || worker < workers.attention();
      if (used && needed[worker] > own.memoryBytes()) {
        return Optional.of(
            "memory: %s (%s) needs %s for %d experts and has %s"
                .formatted(
                    workers.worker(worker),
                    own.device(),
                    gigabytes(needed[worker]),
                    owned[worker],
                    gigabytes(own.memoryBytes())));
      }
    }
    return Optional.empty();
  }

  private static String gigabytes(long bytes) {
    return "%.2f GB".formatted(bytes / 1e9);
  }
}
