package org.hetermoe.plan.place;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.hetermoe.plan.GroupCosts;

/**
 * Searches, by the quick clock, how much of each layer attention workers take: alike in all layers;
 * in chunks of every size that fall due as in Algorithm 1; then layer by layer, uphill only; at
 * last single moves.
 */
final class PatternSearch {
  private static final int KEPT = 4;
  private static final int DENSITIES = 16;
  private static final double PATTERNS = 0.4;
  private static final double LAYERS = 0.3;

  private final GroupCosts costs;
  private final QuickClock clock;
  private final Room room;
  private final int looks;
  private final boolean moves;
  private final List<List<int[]>> levels = new ArrayList<>();
  private final Composition composition;
  private final List<Found> best = new ArrayList<>();
  private int looked;

  /**
   * A pattern.
   *
   * @param level per layer
   * @param inTurn whether workers that are alike take turns
   */
  private record Found(int[] level, boolean inTurn, double seconds) {}

  /**
   * A search.
   *
   * @param looks how many
   * @param moves whether to try single moves at last
   */
  PatternSearch(GroupCosts costs, QuickClock clock, Room room, int looks, boolean moves) {
    this.moves = moves;
    this.costs = costs;
    this.clock = clock;
    this.room = room;
    this.looks = looks;
    LayerLevels layerLevels = new LayerLevels(costs, clock, room);
    Map<Object, List<int[]>> known = new HashMap<>();
    for (int layer = 0; layer < costs.layers(); layer++) {
      int of = layer;
      levels.add(
          known.computeIfAbsent(costs.loads().relative().get(layer), loads -> layerLevels.of(of)));
    }
    composition = new Composition(costs, clock, room);
  }

  /** The best few, best first. */
  List<int[][]> best() {
    uniform();
    chunks();
    for (Found found : List.copyOf(best)) {
      climb(found, looked + (int) (LAYERS * looks / KEPT));
    }
    List<int[][]> all = new ArrayList<>();
    for (Found found : best) {
      all.add(owners(found.level(), found.inTurn()));
    }
    if (!moves) {
      return all;
    }
    new MoveSearch(costs, clock, room, looks - looked)
        .improve(all.getFirst(), clock::seconds)
        .ifPresent(all::addFirst);
    return all;
  }

  private int[][] owners(int[] level, boolean inTurn) {
    return composition.of(
        IntStream.range(0, level.length)
            .mapToObj(layer -> levels.get(layer).get(level[layer]))
            .toList(),
        inTurn);
  }

  private Found look(int[] level, boolean inTurn) {
    looked++;
    Found found = new Found(level, inTurn, clock.seconds(owners(level, inTurn)));
    if (best.stream().noneMatch(other -> other.seconds() == found.seconds())) {
      best.add(found);
      best.sort(Comparator.comparingDouble(Found::seconds));
      if (best.size() > KEPT) {
        best.removeLast();
      }
    }
    return found;
  }

  private int most() {
    return levels.stream().mapToInt(List::size).min().orElseThrow() - 1;
  }

  /** The same level in all layers: far apart first, then closer and closer to the best. */
  private void uniform() {
    int step = Math.max(1, Math.ceilDiv(4 * most(), looks));
    for (int level = 0; level <= most(); level += step) {
      alike(level);
    }
    while (step > 1 && looked < looks) {
      int around = best.getFirst().level()[0];
      step = Math.ceilDiv(step, 2);
      alike(Math.max(0, around - step));
      alike(Math.min(most(), around + step));
      step = step == 2 ? 1 : step;
    }
  }

  private void alike(int level) {
    int[] all = new int[costs.layers()];
    Arrays.fill(all, level);
    look(all, false);
    look(all, true);
  }

  /** Levels rise by whole chunks, as many in all as {@code density} says. */
  private void chunks() {
    int most = most();
    int around = best.getFirst().level()[0];
    double dearest = Math.min(most, 2.0 * around + 2);
    int end = (int) (PATTERNS * looks);
    for (int density = 1; density <= DENSITIES; density++) {
      double mean = dearest * density / DENSITIES;
      for (int chunk = 1; chunk <= most && looked < end; chunk++) {
        if ((chunk > 16 && chunk % 8 != 0) || mean / chunk > 4) {
          continue;
        }
        int[] level = new int[costs.layers()];
        for (int layer = 0; layer < level.length; layer++) {
          int due =
              (int) Math.floor((layer + 1) * mean / chunk) - (int) Math.floor(layer * mean / chunk);
          level[layer] = Math.min(levels.get(layer).size() - 1, due * chunk);
        }
        look(level, false);
        look(level, true);
      }
    }
  }

  /** Single layers up or down, or one up and another down, as long as it pays. */
  private void climb(Found from, int end) {
    Random random = new Random(from.level().length);
    Found top = from;
    while (looked < end) {
      int[] level = top.level().clone();
      int layer = random.nextInt(level.length);
      int by =
          (1 + random.nextInt(Math.max(1, costs.attention().size())))
              * (random.nextBoolean() ? 1 : -1);
      shift(level, layer, by);
      if (random.nextBoolean()) {
        shift(level, random.nextInt(level.length), -by);
      }
      Found next = look(level, top.inTurn());
      top = next.seconds() <= top.seconds() ? next : top;
    }
  }

  private void shift(int[] level, int layer, int by) {
    level[layer] = Math.clamp(level[layer] + by, 0, levels.get(layer).size() - 1);
  }
}
