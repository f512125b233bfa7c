package org.hetermoe.plan.place;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Builds the owners of all layers' experts from an assignment of each layer. Workers that cost the
 * same may take turns: who has the most of one layer gets less of the next. Experts that do not fit
 * a worker's memory move to one that holds them.
 */
final class PlacementBuilder {
  private final ExpertTimes experts;
  private final MemoryCapacity capacity;
  private final int workers;

  /** Workers that cost the same. */
  private final List<int[]> kinds;

  PlacementBuilder(WorkerIndex workers, ExpertTimes experts, MemoryCapacity capacity) {
    this.experts = experts;
    this.capacity = capacity;
    this.workers = workers.size();
    this.kinds = membersOf(workers.kinds());
  }

  private static List<int[]> membersOf(int[] kinds) {
    List<int[]> members = new ArrayList<>();
    int count = Arrays.stream(kinds).max().orElse(-1) + 1;
    for (int kind = 0; kind < count; kind++) {
      int own = kind;
      members.add(
          IntStream.range(0, kinds.length).filter(worker -> kinds[worker] == own).toArray());
    }
    return members;
  }

  /**
   * The owners, by layer and expert.
   *
   * @param assignments of each layer: the owner of each of its experts
   * @param takeTurns whether workers that cost the same take turns at having the most
   */
  int[][] build(List<int[]> assignments, boolean takeTurns) {
    int[][] owners = new int[assignments.size()][];
    double[] busy = new double[workers];
    for (int layer = 0; layer < owners.length; layer++) {
      owners[layer] = assignments.get(layer).clone();
      if (takeTurns) {
        exchangeOwners(layer, owners[layer], busy);
      }
    }
    fit(owners);
    return owners;
  }

  /**
   * Within each kind, the least of a layer goes to the worker that is busiest so far.
   *
   * @param busy seconds of each worker's experts in the layers before; this layer's are added
   */
  private void exchangeOwners(int layer, int[] owner, double[] busy) {
    double[] busyInLayer = busyInLayer(layer, owner);
    int[] instead = new int[workers];
    for (int[] kind : kinds) {
      int[] byLayer = ascending(kind, busyInLayer);
      int[] byAll = ascending(kind, busy);
      for (int index = 0; index < kind.length; index++) {
        instead[byLayer[index]] = byAll[kind.length - 1 - index];
      }
      for (int index = 0; index < kind.length; index++) {
        busy[instead[byLayer[index]]] += busyInLayer[byLayer[index]];
      }
    }
    for (int expert = 0; expert < owner.length; expert++) {
      owner[expert] = instead[owner[expert]];
    }
  }

  /** Workers by a number of each (insertion sort); those with the same keep their order. */
  private static int[] ascending(int[] kind, double[] by) {
    int[] sorted = kind.clone();
    for (int index = 1; index < sorted.length; index++) {
      int worker = sorted[index];
      int slot = index;
      while (slot > 0 && by[sorted[slot - 1]] > by[worker]) {
        sorted[slot] = sorted[slot - 1];
        slot--;
      }
      sorted[slot] = worker;
    }
    return sorted;
  }

  /** Moves experts from workers that have too many to those that hold them and finish first. */
  private void fit(int[][] owners) {
    long[] left = capacity.left(owners);
    if (Arrays.stream(left).noneMatch(free -> free < 0)) {
      return;
    }
    for (int layer = 0; layer < owners.length; layer++) {
      double[] busy = busyInLayer(layer, owners[layer]);
      for (int expert = 0; expert < owners[layer].length; expert++) {
        int from = owners[layer][expert];
        if (left[from] < 0) {
          int to = earliest(layer, expert, busy, left);
          owners[layer][expert] = to;
          busy[from] -= experts.seconds(from, layer, expert);
          busy[to] += experts.seconds(to, layer, expert);
          left[from]++;
          left[to]--;
        }
      }
    }
  }

  private double[] busyInLayer(int layer, int[] owner) {
    double[] busy = new double[workers];
    for (int expert = 0; expert < owner.length; expert++) {
      busy[owner[expert]] += experts.seconds(owner[expert], layer, expert);
    }
    return busy;
  }

  private int earliest(int layer, int expert, double[] busy, long[] left) {
    int earliest = -1;
    double soonest = Double.POSITIVE_INFINITY;
    for (int worker = 0; worker < left.length; worker++) {
      double done = busy[worker] + experts.seconds(worker, layer, expert);
      if (left[worker] > 0 && done < soonest) {
        earliest = worker;
        soonest = done;
      }
    }
    return earliest;
  }
}
