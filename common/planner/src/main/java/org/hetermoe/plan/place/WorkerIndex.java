package org.hetermoe.plan.place;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.WorkerCosts;

/** The workers of a group by number: attention workers by rank, then expert workers by rank. */
final class WorkerIndex {
  private final int attention;
  private final List<WorkerCosts> costs;

  WorkerIndex(GroupCosts group) {
    this.attention = group.attention().size();
    this.costs = Stream.concat(group.attention().stream(), group.expert().stream()).toList();
  }

  /** How many workers there are. */
  int size() {
    return costs.size();
  }

  /** How many of them, those with the lowest numbers, are attention workers. */
  int attention() {
    return attention;
  }

  /** What a worker costs. */
  WorkerCosts costs(int worker) {
    return costs.get(worker);
  }

  /** The worker of a number. */
  WorkerRank worker(int number) {
    return number < attention
        ? WorkerRank.attention(number)
        : WorkerRank.expert(number - attention);
  }

  /** The number of a worker. */
  int of(WorkerRank worker) {
    return worker.role() == WorkerRank.Role.ATTENTION ? worker.rank() : attention + worker.rank();
  }

  /** Workers of one role that cost the same have the same kind; kinds are numbered from 0. */
  int[] kinds() {
    int[] kind = new int[size()];
    Map<Object, Integer> known = new HashMap<>();
    for (int worker = 0; worker < kind.length; worker++) {
      kind[worker] =
          known.computeIfAbsent(
              List.of(worker < attention, costs.get(worker)), key -> known.size());
    }
    return kind;
  }

  /** A placement of numbered owners, by layer and expert. */
  Placement placement(int[][] owners) {
    return new Placement(
        Arrays.stream(owners)
            .map(layer -> Arrays.stream(layer).mapToObj(this::worker).toList())
            .toList());
  }

  /** The numbered owners of a placement, by layer and expert. */
  int[][] owners(Placement placement) {
    return placement.owners().stream()
        .map(layer -> layer.stream().mapToInt(this::of).toArray())
        .toArray(int[][]::new);
  }

  /** A copy of numbered owners. */
  static int[][] copy(int[][] owners) {
    return Arrays.stream(owners).map(int[]::clone).toArray(int[][]::new);
  }
}
