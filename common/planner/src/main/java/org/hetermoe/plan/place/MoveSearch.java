package org.hetermoe.plan.place;

import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.hetermoe.plan.GroupCosts;

/**
 * Betters a placement by small moves (simulated annealing with a fixed seed): an expert to another
 * worker, two experts' owners exchanged, or what two layers give two workers.
 */
final class MoveSearch {
  private static final double WARM = 2e-3;
  private static final double COLD = 1e-5;

  private final GroupCosts costs;
  private final long[] room;
  private final int looks;
  private final Random random = new Random(1);

  MoveSearch(GroupCosts costs, QuickClock clock, Room room, int looks) {
    this.costs = costs;
    this.looks = looks;
    this.room =
        IntStream.range(0, clock.workers().size())
            .mapToLong(worker -> room.of(clock.worker(worker)))
            .toArray();
  }

  /** A better placement than the one given; empty if none was found. */
  Optional<int[][]> improve(int[][] given, ToDoubleFunction<int[][]> seconds) {
    if (looks < 2 || room.length < 2) {
      return Optional.empty();
    }
    int[][] now = copy(given);
    double nowSeconds = seconds.applyAsDouble(now);
    double least = nowSeconds;
    Optional<int[][]> best = Optional.empty();
    long[] left = room.clone();
    Arrays.stream(now).flatMapToInt(Arrays::stream).forEach(owner -> left[owner]--);
    for (int look = 1; look < looks; look++) {
      double part = (double) look / looks;
      double warmth = nowSeconds * WARM * Math.pow(COLD / WARM, part);
      int[][] next = copy(now);
      long[] nextLeft = left.clone();
      change(next, nextLeft);
      if (Arrays.stream(nextLeft).anyMatch(free -> free < 0)) {
        continue;
      }
      double nextSeconds = seconds.applyAsDouble(next);
      if (nextSeconds <= nowSeconds
          || random.nextDouble() < Math.exp((nowSeconds - nextSeconds) / warmth)) {
        now = next;
        nowSeconds = nextSeconds;
        System.arraycopy(nextLeft, 0, left, 0, left.length);
        if (nowSeconds < least) {
          least = nowSeconds;
          best = Optional.of(copy(now));
        }
      }
    }
    return best;
  }

  private void change(int[][] owners, long[] left) {
    int layer = random.nextInt(costs.layers());
    int expert = random.nextInt(costs.experts());
    int from = owners[layer][expert];
    int kind = random.nextInt(4);
    int to =
        kind == 0 ? owners[layer][random.nextInt(costs.experts())] : random.nextInt(room.length);
    if (to == from) {
      return;
    }
    give(owners, left, layer, expert, to);
    int otherLayer = kind < 2 ? layer : random.nextInt(costs.layers());
    if (kind == 0 || kind == 3) {
      int start = random.nextInt(costs.experts());
      for (int offset = 0; offset < costs.experts(); offset++) {
        int other = (start + offset) % costs.experts();
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

  private static int[][] copy(int[][] owners) {
    return Arrays.stream(owners).map(int[]::clone).toArray(int[][]::new);
  }
}
