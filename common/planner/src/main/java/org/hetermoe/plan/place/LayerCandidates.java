package org.hetermoe.plan.place;

import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.hetermoe.plan.GroupCosts;

/**
 * Sensible assignments of one layer's experts, from none on attention workers to all on them. On
 * each side experts go, heaviest first, to the worker that is done with them first (longest
 * processing time first, the greedy rule for makespans).
 */
final class LayerCandidates {
  /** More counts of moved experts than this are thinned out. */
  private static final int MAX_COUNTS = 48;

  private static final int HEAD_STARTS = 24;

  private final GroupCosts costs;
  private final WorkerIndex workers;
  private final ExpertTimes experts;
  private final MemoryCapacity capacity;

  LayerCandidates(
      GroupCosts costs, WorkerIndex workers, ExpertTimes experts, MemoryCapacity capacity) {
    this.costs = costs;
    this.workers = workers;
    this.experts = experts;
    this.capacity = capacity;
  }

  /**
   * The candidates of a layer, by the rows that attention workers get; each names the owner of
   * every expert. Where all experts have the same load there is one for each count of moved
   * experts, worked out when asked for.
   */
  List<int[]> of(int layer) {
    int[] heaviestFirst = heaviestFirst(layer);
    int fewest = anyMayOwn(workers.attention(), workers.size()) ? 0 : costs.experts();
    int most = anyMayOwn(0, workers.attention()) ? costs.experts() : 0;
    if (!uneven(layer)) {
      return new ByCount(layer, heaviestFirst, fewest, most);
    }
    List<int[]> candidates = new ArrayList<>();
    int step = Math.max(1, (most - fewest) / MAX_COUNTS);
    for (int moved = fewest; moved <= most; moved += step) {
      add(candidates, withCount(layer, heaviestFirst, moved));
    }
    double longest = longest(layer);
    for (int part = -HEAD_STARTS; part <= HEAD_STARTS; part++) {
      add(candidates, withHeadStart(layer, heaviestFirst, longest * part / HEAD_STARTS));
    }
    candidates.sort(Comparator.comparingDouble(candidate -> movedRows(layer, candidate)));
    return candidates;
  }

  private int[] heaviestFirst(int layer) {
    return IntStream.range(0, costs.experts())
        .boxed()
        .sorted(Comparator.comparingDouble((Integer expert) -> -experts.rows(layer, expert)))
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private boolean anyMayOwn(int first, int end) {
    return IntStream.range(first, end).anyMatch(this::mayOwn);
  }

  private boolean mayOwn(int worker) {
    return capacity.of(worker) > 0;
  }

  /** One candidate for each count of moved experts. */
  private final class ByCount extends AbstractList<int[]> {
    private final int layer;
    private final int[] heaviestFirst;
    private final int fewest;
    private final int[][] candidates;

    private ByCount(int layer, int[] heaviestFirst, int fewest, int most) {
      this.layer = layer;
      this.heaviestFirst = heaviestFirst;
      this.fewest = fewest;
      this.candidates = new int[most - fewest + 1][];
    }

    @Override
    public int[] get(int index) {
      if (candidates[index] == null) {
        candidates[index] = withCount(layer, heaviestFirst, fewest + index);
      }
      return candidates[index];
    }

    @Override
    public int size() {
      return candidates.length;
    }
  }

  private static void add(List<int[]> candidates, int[] candidate) {
    if (candidates.stream().noneMatch(known -> Arrays.equals(known, candidate))) {
      candidates.add(candidate);
    }
  }

  private boolean uneven(int layer) {
    return IntStream.range(1, costs.experts())
        .anyMatch(expert -> experts.rows(layer, expert) != experts.rows(layer, 0));
  }

  private double movedRows(int layer, int[] candidate) {
    double moved = 0;
    for (int expert = 0; expert < candidate.length; expert++) {
      moved += candidate[expert] < workers.attention() ? experts.rows(layer, expert) : 0;
    }
    return moved;
  }

  /** Seconds of a layer's experts on the expert workers alone; on all where there are none. */
  private double longest(int layer) {
    double slowest = 0;
    double rate = 0;
    int first = workers.attention() < workers.size() ? workers.attention() : 0;
    for (int worker = first; worker < workers.size(); worker++) {
      double all = 0;
      for (int expert = 0; expert < costs.experts(); expert++) {
        all += experts.seconds(worker, layer, expert);
      }
      rate += all > 0 ? 1 / all : 0;
      slowest = Math.max(slowest, all);
    }
    return rate > 0 ? Math.max(1 / rate, slowest / costs.experts()) : 0;
  }

  /** The lightest {@code moved} experts on attention workers. */
  private int[] withCount(int layer, int[] heaviestFirst, int moved) {
    int[] owners = new int[costs.experts()];
    double[] busy = busyAttending(0);
    int[] owned = new int[workers.size()];
    for (int index = 0; index < heaviestFirst.length; index++) {
      boolean stays = index < heaviestFirst.length - moved;
      give(
          layer,
          heaviestFirst[index],
          owners,
          busy,
          owned,
          stays ? workers.attention() : 0,
          stays ? workers.size() : workers.attention());
    }
    return owners;
  }

  /** All workers alike, but the attention workers begin later by some seconds, or earlier. */
  private int[] withHeadStart(int layer, int[] heaviestFirst, double headStart) {
    int[] owners = new int[costs.experts()];
    double[] busy = busyAttending(headStart);
    int[] owned = new int[workers.size()];
    for (int expert : heaviestFirst) {
      give(layer, expert, owners, busy, owned, 0, workers.size());
    }
    return owners;
  }

  /** How long attention keeps each worker busy, beyond the fastest attention worker. */
  private double[] busyAttending(double headStart) {
    double[] busy = new double[workers.size()];
    double least =
        costs.attention().stream()
            .mapToDouble(worker -> worker.attention().both())
            .min()
            .orElseThrow();
    for (int worker = 0; worker < workers.attention(); worker++) {
      busy[worker] = workers.costs(worker).attention().both() - least + headStart;
    }
    return busy;
  }

  /** Gives an expert to the worker, from {@code first} to {@code end}, that is done first. */
  private void give(
      int layer, int expert, int[] owners, double[] busy, int[] owned, int first, int end) {
    int earliest = -1;
    double soonest = Double.POSITIVE_INFINITY;
    for (int worker = first; worker < end; worker++) {
      if (mayOwn(worker)) {
        double done = busy[worker] + experts.seconds(worker, layer, expert);
        if (done < soonest || (done == soonest && owned[worker] < owned[earliest])) {
          earliest = worker;
          soonest = done;
        }
      }
    }
    owners[expert] = earliest;
    busy[earliest] += experts.seconds(earliest, layer, expert);
    owned[earliest]++;
  }
}
