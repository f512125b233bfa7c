package org.hetermoe.plan.place;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.hetermoe.plan.GroupCosts;

/**
 * Puts ways of single layers together to the owners of all layers: who has the most of one layer
 * gets less of the next, among workers that cost the same, and nobody gets more than fits.
 */
final class Composition {
  private final GroupCosts costs;
  private final LayerLevels levels;
  private final List<int[]> alike;
  private final long[] room;

  Composition(GroupCosts costs, QuickClock clock, LayerLevels levels, Room room) {
    this.costs = costs;
    this.levels = levels;
    this.alike = alike(costs, clock);
    this.room = new long[clock.workers().size()];
    for (int worker = 0; worker < this.room.length; worker++) {
      this.room[worker] = room.of(clock.worker(worker));
    }
  }

  private static List<int[]> alike(GroupCosts costs, QuickClock clock) {
    int attention = costs.attention().size();
    Map<Object, List<Integer>> kinds = new LinkedHashMap<>();
    for (int worker = 0; worker < clock.workers().size(); worker++) {
      kinds
          .computeIfAbsent(
              List.of(worker < attention, clock.workers().get(worker)), key -> new ArrayList<>())
          .add(worker);
    }
    return kinds.values().stream()
        .map(kind -> kind.stream().mapToInt(Integer::intValue).toArray())
        .toList();
  }

  /** How many experts a worker may own. */
  long room(int worker) {
    return room[worker];
  }

  /**
   * The owners of all layers.
   *
   * @param ways of each layer
   * @param inTurn whether workers that are alike take turns at having the most
   */
  int[][] of(List<int[]> ways, boolean inTurn) {
    int[][] owners = new int[costs.layers()][];
    double[] sofar = new double[room.length];
    for (int layer = 0; layer < owners.length; layer++) {
      owners[layer] = ways.get(layer).clone();
      if (inTurn) {
        turn(layer, owners[layer], sofar);
      }
    }
    fit(owners);
    return owners;
  }

  private void turn(int layer, int[] owner, double[] sofar) {
    double[] busy = new double[room.length];
    for (int expert = 0; expert < owner.length; expert++) {
      busy[owner[expert]] += levels.seconds(owner[expert], layer, expert);
    }
    int[] instead = new int[room.length];
    for (int[] kind : alike) {
      List<Integer> most = sorted(kind, Comparator.comparingDouble(worker -> -busy[worker]));
      List<Integer> least = sorted(kind, Comparator.comparingDouble(worker -> sofar[worker]));
      for (int index = 0; index < kind.length; index++) {
        instead[most.get(index)] = least.get(index);
      }
      for (int index = 0; index < kind.length; index++) {
        sofar[least.get(index)] += busy[most.get(index)];
      }
    }
    for (int expert = 0; expert < owner.length; expert++) {
      owner[expert] = instead[owner[expert]];
    }
  }

  private static List<Integer> sorted(int[] kind, Comparator<Integer> by) {
    List<Integer> workers = new ArrayList<>();
    for (int worker : kind) {
      workers.add(worker);
    }
    workers.sort(by);
    return workers;
  }

  /** Moves experts from workers that have too many to those with room that are done first. */
  private void fit(int[][] owners) {
    long[] left = room.clone();
    for (int[] layer : owners) {
      for (int owner : layer) {
        left[owner]--;
      }
    }
    for (int worker = 0; worker < left.length; worker++) {
      while (left[worker] < 0) {
        int layer = fullest(owners, worker);
        move(layer, owners[layer], worker, left);
      }
    }
  }

  private static int fullest(int[][] owners, int worker) {
    int fullest = 0;
    int most = -1;
    for (int layer = 0; layer < owners.length; layer++) {
      int owned = 0;
      for (int owner : owners[layer]) {
        owned += owner == worker ? 1 : 0;
      }
      if (owned > most) {
        most = owned;
        fullest = layer;
      }
    }
    return fullest;
  }

  private void move(int layer, int[] owner, int from, long[] left) {
    double[] busy = new double[left.length];
    int expert = -1;
    for (int candidate = 0; candidate < owner.length; candidate++) {
      busy[owner[candidate]] += levels.seconds(owner[candidate], layer, candidate);
      expert = owner[candidate] == from ? candidate : expert;
    }
    int target = -1;
    for (int worker = 0; worker < left.length; worker++) {
      if (left[worker] > 0
          && (target < 0
              || busy[worker] + levels.seconds(worker, layer, expert)
                  < busy[target] + levels.seconds(target, layer, expert))) {
        target = worker;
      }
    }
    owner[expert] = target;
    left[from]++;
    left[target]--;
  }
}
