package org.hetermoe.plan.place;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a placement gives each worker of a group to compute in one micro-batch. Of workers that cost
 * the same and are given the same in every layer, the first represents all.
 */
final class PlacementLoads {
  /** Rows of the experts, by layer and worker. */
  final double[][] rows;

  /** Seconds of the experts with the pause before them, by pass, layer and worker. */
  final double[][][] seconds;

  /** Experts of all layers, by worker. */
  final long[] experts;

  /** How many workers each representative stands for, itself included. */
  final int[] count;

  /** The workers that represent others or themselves only, in ascending order. */
  final int[] representatives;

  /** How many of the representatives, the first ones, are attention workers. */
  final int attending;

  /** The representatives that own experts, by layer. */
  final int[][] owners;

  /**
   * The loads of a placement.
   *
   * @param placed owners by layer and expert
   * @param kinds {@link WorkerIndex#kinds()}
   */
  PlacementLoads(
      int[][] placed, WorkerIndex workers, int[] kinds, ExpertTimes times, WorkerRates rates) {
    int layers = placed.length;
    int size = workers.size();
    rows = new double[layers][size];
    seconds = new double[2][layers][size];
    experts = new long[size];
    count = new int[size];
    int[][] owned = new int[layers][size];
    long[] fingerprint = new long[size];
    for (int layer = 0; layer < layers; layer++) {
      add(layer, placed[layer], owned[layer], times, rates);
      for (int worker = 0; worker < size; worker++) {
        fingerprint[worker] = 31 * fingerprint[worker] + Double.hashCode(rows[layer][worker]);
      }
    }
    representatives = merge(owned, fingerprint, kinds);
    attending = firstNotBelow(representatives, workers.attention());
    owners = new int[layers][];
    for (int layer = 0; layer < layers; layer++) {
      owners[layer] = ownersOf(owned[layer]);
    }
  }

  private void add(int layer, int[] placed, int[] owned, ExpertTimes times, WorkerRates rates) {
    double[] forward = seconds[WorkerRates.FORWARD][layer];
    double[] backward = seconds[WorkerRates.BACKWARD][layer];
    for (int expert = 0; expert < placed.length; expert++) {
      int owner = placed[expert];
      double own = times.rows(layer, expert);
      rows[layer][owner] += own;
      experts[owner]++;
      owned[owner]++;
      if (own > 0) {
        forward[owner] +=
            rates.perExpert[WorkerRates.FORWARD][owner]
                + own * rates.perRow[WorkerRates.FORWARD][owner];
        backward[owner] +=
            rates.perExpert[WorkerRates.BACKWARD][owner]
                + own * rates.perRow[WorkerRates.BACKWARD][owner];
      }
    }
    for (int worker = 0; worker < owned.length; worker++) {
      forward[worker] += forward[worker] > 0 ? rates.pause[worker] : 0;
      backward[worker] += backward[worker] > 0 ? rates.pause[worker] : 0;
    }
  }

  private int[] merge(int[][] owned, long[] fingerprint, int[] kinds) {
    Map<Long, List<Integer>> known = new HashMap<>();
    int[] different = new int[kinds.length];
    int found = 0;
    for (int worker = 0; worker < kinds.length; worker++) {
      int own = worker;
      List<Integer> similar =
          known.computeIfAbsent(31 * fingerprint[worker] + kinds[worker], key -> new ArrayList<>());
      int representative =
          similar.stream()
              .filter(other -> kinds[other] == kinds[own] && sameLoad(owned, own, other))
              .findFirst()
              .orElse(own);
      if (representative == worker) {
        similar.add(worker);
        different[found++] = worker;
      }
      count[representative]++;
    }
    return Arrays.copyOf(different, found);
  }

  private boolean sameLoad(int[][] owned, int one, int other) {
    for (int layer = 0; layer < owned.length; layer++) {
      if (owned[layer][one] != owned[layer][other] || rows[layer][one] != rows[layer][other]) {
        return false;
      }
    }
    return true;
  }

  private static int firstNotBelow(int[] ascending, int limit) {
    int index = 0;
    while (index < ascending.length && ascending[index] < limit) {
      index++;
    }
    return index;
  }

  private int[] ownersOf(int[] owned) {
    int[] all = new int[representatives.length];
    int found = 0;
    for (int worker : representatives) {
      if (owned[worker] > 0) {
        all[found++] = worker;
      }
    }
    return Arrays.copyOf(all, found);
  }

  /**
   * Messages of a step that a predictor follows if it merges workers in the same way.
   *
   * @param microBatches of the step
   */
  double messages(int microBatches) {
    double tasks = 4.0 * owners.length * microBatches;
    return tasks * attending * representatives.length;
  }
}
