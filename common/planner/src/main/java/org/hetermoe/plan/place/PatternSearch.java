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
 * Searches, by estimates, how much of each layer attention workers take: the same in all layers; in
 * chunks of every size that fall due as in Algorithm 1; then layer by layer, uphill only; at last
 * moves of single experts. A layer's <em>level</em> is the number of its candidate ({@link
 * LayerCandidates}): 0 moves nothing, the highest moves all.
 */
final class PatternSearch {
  private static final int KEPT = 4;
  private static final int DENSITIES = 16;

  /** Part of the estimates after which no further chunks are tried. */
  private static final double UNTIL_CHUNKS = 0.4;

  /** Part of the estimates for climbing. */
  private static final double FOR_CLIMBING = 0.3;

  private final GroupCosts costs;
  private final StepEstimator estimator;
  private final MemoryCapacity capacity;
  private final int budget;
  private final boolean singleMoves;
  private final List<List<int[]>> candidates = new ArrayList<>();
  private final PlacementBuilder builder;
  private final List<Pattern> best = new ArrayList<>();
  private int estimates;

  /**
   * How much of each layer is moved.
   *
   * @param levels by layer
   * @param takeTurns whether workers that cost the same take turns at having the most
   * @param seconds of a step, estimated
   */
  private record Pattern(int[] levels, boolean takeTurns, double seconds) {}

  /**
   * A search.
   *
   * @param budget how many placements to estimate
   * @param singleMoves whether to try moves of single experts at last
   */
  PatternSearch(
      GroupCosts costs,
      StepEstimator estimator,
      MemoryCapacity capacity,
      int budget,
      boolean singleMoves) {
    this.costs = costs;
    this.estimator = estimator;
    this.capacity = capacity;
    this.budget = budget;
    this.singleMoves = singleMoves;
    LayerCandidates ofLayer =
        new LayerCandidates(costs, estimator.workers(), estimator.experts(), capacity);
    Map<Object, List<int[]>> known = new HashMap<>();
    for (int layer = 0; layer < costs.layers(); layer++) {
      int own = layer;
      candidates.add(
          known.computeIfAbsent(costs.loads().relative().get(layer), loads -> ofLayer.of(own)));
    }
    builder = new PlacementBuilder(estimator.workers(), estimator.experts(), capacity);
  }

  /** The owners, by layer and expert, of the best few placements, best first. */
  List<int[][]> best() {
    tryUniform();
    tryChunks();
    for (Pattern pattern : List.copyOf(best)) {
      climb(pattern, estimates + (int) (FOR_CLIMBING * budget / KEPT));
    }
    List<int[][]> placements = new ArrayList<>();
    for (Pattern pattern : best) {
      placements.add(owners(pattern.levels(), pattern.takeTurns()));
    }
    if (singleMoves) {
      new SimulatedAnnealing(estimator.workers(), capacity, budget - estimates)
          .improve(placements.getFirst(), estimator::seconds)
          .ifPresent(placements::addFirst);
    }
    return placements;
  }

  private int[][] owners(int[] levels, boolean takeTurns) {
    return builder.build(
        IntStream.range(0, levels.length)
            .mapToObj(layer -> candidates.get(layer).get(levels[layer]))
            .toList(),
        takeTurns);
  }

  private Pattern estimate(int[] levels, boolean takeTurns) {
    estimates++;
    Pattern pattern = new Pattern(levels, takeTurns, estimator.seconds(owners(levels, takeTurns)));
    if (best.stream().noneMatch(other -> other.seconds() == pattern.seconds())) {
      best.add(pattern);
      best.sort(Comparator.comparingDouble(Pattern::seconds));
      if (best.size() > KEPT) {
        best.removeLast();
      }
    }
    return pattern;
  }

  /** The highest level that every layer has. */
  private int highest() {
    return candidates.stream().mapToInt(List::size).min().orElseThrow() - 1;
  }

  /** The same level in all layers: far apart first, then closer and closer to the best. */
  private void tryUniform() {
    int step = Math.max(1, Math.ceilDiv(4 * highest(), budget));
    for (int level = 0; level <= highest(); level += step) {
      estimateUniform(level);
    }
    while (step > 1 && estimates < budget) {
      int around = best.getFirst().levels()[0];
      step = Math.ceilDiv(step, 2);
      estimateUniform(Math.max(0, around - step));
      estimateUniform(Math.min(highest(), around + step));
      step = step == 2 ? 1 : step;
    }
  }

  private void estimateUniform(int level) {
    int[] levels = new int[costs.layers()];
    Arrays.fill(levels, level);
    estimate(levels, false);
    estimate(levels, true);
  }

  /** Levels rise by whole chunks, at several mean levels; chunks fall due evenly. */
  private void tryChunks() {
    int highest = highest();
    int around = best.getFirst().levels()[0];
    double highestMean = Math.min(highest, 2.0 * around + 2);
    int end = (int) (UNTIL_CHUNKS * budget);
    for (int density = 1; density <= DENSITIES; density++) {
      double mean = highestMean * density / DENSITIES;
      for (int chunk = 1; chunk <= highest && estimates < end; chunk++) {
        if ((chunk > 16 && chunk % 8 != 0) || mean / chunk > 4) {
          continue;
        }
        int[] levels = new int[costs.layers()];
        for (int layer = 0; layer < levels.length; layer++) {
          int due =
              (int) Math.floor((layer + 1) * mean / chunk) - (int) Math.floor(layer * mean / chunk);
          levels[layer] = Math.min(candidates.get(layer).size() - 1, due * chunk);
        }
        estimate(levels, false);
        estimate(levels, true);
      }
    }
  }

  /**
   * Single layers up or down, or one up and another down, as long as it pays.
   *
   * @param end how many estimates there may have been in all when it ends
   */
  private void climb(Pattern from, int end) {
    Random random = new Random(from.levels().length);
    Pattern top = from;
    while (estimates < end) {
      int[] levels = top.levels().clone();
      int layer = random.nextInt(levels.length);
      int by =
          (1 + random.nextInt(Math.max(1, costs.attention().size())))
              * (random.nextBoolean() ? 1 : -1);
      shift(levels, layer, by);
      if (random.nextBoolean()) {
        shift(levels, random.nextInt(levels.length), -by);
      }
      Pattern next = estimate(levels, top.takeTurns());
      top = next.seconds() <= top.seconds() ? next : top;
    }
  }

  private void shift(int[] levels, int layer, int by) {
    levels[layer] = Math.clamp(levels[layer] + by, 0, candidates.get(layer).size() - 1);
  }
}
