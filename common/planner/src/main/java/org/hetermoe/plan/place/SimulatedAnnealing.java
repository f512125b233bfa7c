package org.hetermoe.plan.place;

import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.function.ToDoubleFunction;

/**
 * Improves a placement by small moves: an expert to another worker, two experts' owners exchanged,
 * or what two layers give two workers. Moves that make it worse are taken too, less and less often
 * as the temperature falls. The seed is fixed.
 */
final class SimulatedAnnealing {
  /** Temperatures at the begin and the end, as parts of the step's time. */
  private static final double HOT = 2e-3;

  private static final double COLD = 1e-5;

  private final int workers;
  private final MemoryCapacity capacity;
  private final int tries;
  private final Random random = new Random(1);

  /**
   * A search.
   *
   * @param tries how many placements to try
   */
  SimulatedAnnealing(WorkerIndex workers, MemoryCapacity capacity, int tries) {
    this.workers = workers.size();
    this.capacity = capacity;
    this.tries = tries;
  }

  /**
   * A better placement than the one given; empty if none was found.
   *
   * @param given owners by layer and expert
   * @param seconds of a step with such owners
   */
  Optional<int[][]> improve(int[][] given, ToDoubleFunction<int[][]> seconds) {
    if (tries < 2 || workers < 2) {
      return Optional.empty();
    }
    int[][] now = WorkerIndex.copy(given);
    double nowSeconds = seconds.applyAsDouble(now);
    double least = nowSeconds;
    Optional<int[][]> best = Optional.empty();
    long[] left = capacity.left(now);
    for (int attempt = 1; attempt < tries; attempt++) {
      double part = (double) attempt / tries;
      double temperature = nowSeconds * HOT * Math.pow(COLD / HOT, part);
      int[][] next = WorkerIndex.copy(now);
      long[] nextLeft = left.clone();
      move(next, nextLeft);
      if (Arrays.stream(nextLeft).anyMatch(free -> free < 0)) {
        continue;
      }
      double nextSeconds = seconds.applyAsDouble(next);
      if (nextSeconds <= nowSeconds
          || random.nextDouble() < Math.exp((nowSeconds - nextSeconds) / temperature)) {
        now = next;
        nowSeconds = nextSeconds;
        System.arraycopy(nextLeft, 0, left, 0, left.length);
        if (nowSeconds < least) {
          least = nowSeconds;
          best = Optional.of(WorkerIndex.copy(now));
        }
      }
    }
    return best;
  }

  private void move(int[][] owners, long[] left) {
    int layers = owners.length;
    int experts = owners[0].length;
    int layer = random.nextInt(layers);
    int expert = random.nextInt(experts);
    int from = owners[layer][expert];
    int kind = random.nextInt(4);
    int to = kind == 0 ? owners[layer][random.nextInt(experts)] : random.nextInt(workers);
    if (to == from) {
      return;
    }
    give(owners, left, layer, expert, to);
    int otherLayer = kind < 2 ? layer : random.nextInt(layers);
    if (kind == 0 || kind == 3) {
      int start = random.nextInt(experts);
      for (int offset = 0; offset < experts; offset++) {
        int other = (start + offset) % experts;
        if (owners[otherLayer][other] == to && !(otherLayer == layer && other == expert)) {
          give(owners, left, otherLayer, other, from);
          return;
        }
      }
    }
  }

  private static void give(int[][] owners, long[] left, int layer, int expert, int to) {
    left[owners[layer][expert]]++;
    left[to]--;
    owners[layer][expert] = to;
  }
}
