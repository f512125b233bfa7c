package org.hetermoe.plan.place;

import java.util.ArrayList;
import java.util.Arrays;
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
  private final QuickClock clock;
  private final List<int[]> alike;
  private final long[] room;

  Composition(GroupCosts costs, QuickClock clock, Room room) {
    this.costs = costs;
    this.clock = clock;
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
    double[] busy = busy(layer, owner);
    int[] instead = new int[room.length];
    for (int[] kind : alike) {
      int[] least = ascending(kind, busy);
      int[] fullest = ascending(kind, sofar);
      for (int index = 0; index < kind.length; index++) {
        instead[least[index]] = fullest[kind.length - 1 - index];
      }
      for (int index = 0; index < kind.length; index++) {
        sofar[instead[least[index]]] += busy[least[index]];
      }
    }
    for (int expert = 0; expert < owner.length; expert++) {
      owner[expert] = instead[owner[expert]];
    }
  }

  /** Workers by a number of each; those with the same keep their order. */
  private static int[] ascending(int[] kind, double[] by) {
    int[] workers = kind.clone();
    for (int index = 1; index < workers.length; index++) {
      int worker = workers[index];
      int slot = index;
      while (slot > 0 && by[workers[slot - 1]] > by[worker]) {
        workers[slot] = workers[slot - 1];
        slot--;
      }
      workers[slot] = worker;
    }
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
    if (Arrays.stream(left).noneMatch(free -> free < 0)) {
      return;
    }
    for (int layer = 0; layer < owners.length; layer++) {
      double[] busy = busy(layer, owners[layer]);
      for (int expert = 0; expert < owners[layer].length; expert++) {
        int from = owners[layer][expert];
        if (left[from] < 0) {
          int to = earliest(layer, expert, busy, left);
          owners[layer][expert] = to;
          busy[from] -= clock.seconds(from, layer, expert);
          busy[to] += clock.seconds(to, layer, expert);
          left[from]++;
          left[to]--;
        }
      }
    }
  }

  private double[] busy(int layer, int[] owner) {
    double[] busy = new double[room.length];
    for (int expert = 0; expert < owner.length; expert++) {
      busy[owner[expert]] += clock.seconds(owner[expert], layer, expert);
    }
    return busy;
  }

  private int earliest(int layer, int expert, double[] busy, long[] left) {
    int earliest = -1;
    double soonest = Double.POSITIVE_INFINITY;
    for (int worker = 0; worker < left.length; worker++) {
      double done = busy[worker] + clock.seconds(worker, layer, expert);
      if (left[worker] > 0 && done < soonest) {
        earliest = worker;
        soonest = done;
      }
    }
    return earliest;
  }
}
