package org.hetermoe.plan.place;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.ExpertCapacity;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.ReplicatedPlacement;
import org.hetermoe.plan.WorkerCosts;

/**
 * How many experts, of all layers together, the memory of each worker holds.
 *
 * @param attention by rank; all 0 where attention workers may own none
 * @param expert by rank
 */
record Room(List<Long> attention, List<Long> expert) {
  static Room of(GroupCosts costs, boolean asymEa) {
    long all = (long) costs.layers() * costs.experts();
    ExpertCapacity capacity = new ExpertCapacity(costs);
    return new Room(
        costs.attention().stream()
            .map(worker -> asymEa ? Math.min(all, capacity.of(worker)) : 0L)
            .toList(),
        costs.expert().stream().map(worker -> Math.min(all, capacity.of(worker))).toList());
  }

  long of(WorkerRank worker) {
    return switch (worker.role()) {
      case ATTENTION -> attention.get(worker.rank());
      case EXPERT -> expert.get(worker.rank());
    };
  }

  /** What is left when each worker has taken so many; attention workers first. */
  Room without(long[] taken) {
    return new Room(
        IntStream.range(0, attention.size())
            .mapToObj(rank -> attention.get(rank) - taken[rank])
            .toList(),
        IntStream.range(0, expert.size())
            .mapToObj(rank -> expert.get(rank) - taken[attention.size() + rank])
            .toList());
  }

  /** Why no placement fits; empty if one does. */
  static Optional<String> shortage(GroupCosts costs, boolean asymEa) {
    for (int rank = 0; rank < costs.attention().size(); rank++) {
      WorkerCosts worker = costs.attention().get(rank);
      if (worker.residentBytes() > worker.memoryBytes()) {
        return Optional.of(
            "memory: %s (%s) needs %s before any expert and has %s"
                .formatted(
                    WorkerRank.attention(rank),
                    worker.device(),
                    gigabytes(worker.residentBytes()),
                    gigabytes(worker.memoryBytes())));
      }
    }
    Room room = of(costs, asymEa);
    long held = room.total(room.attention) + room.total(room.expert);
    long all = (long) costs.layers() * costs.experts();
    if (held >= all) {
      return Optional.empty();
    }
    return Optional.of(
        "memory: the group holds %d experts of %d (%d of them on attention workers); an expert takes %s"
            .formatted(
                held,
                all,
                room.total(room.attention),
                gigabytes(
                    ExpertCapacity.bytesOfMeanExpert(
                        costs,
                        costs.expert().isEmpty()
                            ? costs.attention().getFirst()
                            : costs.expert().getFirst()))));
  }

  /** What a placement puts where it does not fit; empty if all fits. */
  static Optional<String> overflow(GroupCosts costs, Placement placement) {
    List<WorkerRank> workers = new ArrayList<>();
    for (int rank = 0; rank < costs.attention().size(); rank++) {
      workers.add(WorkerRank.attention(rank));
    }
    for (int rank = 0; rank < costs.expert().size(); rank++) {
      workers.add(WorkerRank.expert(rank));
    }
    long[] owned = new long[workers.size()];
    placement
        .owners()
        .forEach(
            layer ->
                layer.forEach(
                    owner ->
                        owned[
                            owner.role() == WorkerRank.Role.ATTENTION
                                ? owner.rank()
                                : costs.attention().size() + owner.rank()]++));
    long[] bytes = costs.memoryBytes(new ReplicatedPlacement(placement));
    for (int index = 0; index < owned.length; index++) {
      WorkerCosts worker = costs.of(workers.get(index));
      long needed = bytes[index];
      if (needed > worker.memoryBytes()
          && (owned[index] > 0 || workers.get(index).role() == WorkerRank.Role.ATTENTION)) {
        return Optional.of(
            "memory: %s (%s) needs %s for %d experts and has %s"
                .formatted(
                    workers.get(index),
                    worker.device(),
                    gigabytes(needed),
                    owned[index],
                    gigabytes(worker.memoryBytes())));
      }
    }
    return Optional.empty();
  }

  private long total(List<Long> side) {
    return side.stream().mapToLong(Long::longValue).sum();
  }

  private static String gigabytes(long bytes) {
    return "%.2f GB".formatted(bytes / 1e9);
  }
}
