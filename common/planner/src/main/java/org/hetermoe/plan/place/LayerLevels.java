package org.hetermoe.plan.place;

import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.hetermoe.plan.GroupCosts;

/**
 * Sensible ways to place the experts of one layer, from none moved to attention workers to all
 * moved. Within a side, experts go heaviest first to the worker that is done with them first
 * (greedy makespan, LPT).
 */
final class LayerLevels {
  /** More levels than this are thinned out. */
  private static final int MOST_COUNTS = 48;

  private static final int HEAD_STARTS = 24;

  private final GroupCosts costs;
  private final QuickClock clock;
  private final Room room;
  private final int attention;
  private final int workers;

  LayerLevels(GroupCosts costs, QuickClock clock, Room room) {
    this.costs = costs;
    this.clock = clock;
    this.room = room;
    attention = costs.attention().size();
    workers = clock.workers().size();
  }

  /**
   * The ways of a layer, by the rows that attention workers get; each names an expert's owner.
   * Where all experts have the same load, as many as there are counts to move, worked out when
   * asked for.
   */
  List<int[]> of(int layer) {
    Integer[] heaviestFirst = heaviestFirst(layer);
    int fewest = anyMayOwn(attention, workers) ? 0 : costs.experts();
    int most = anyMayOwn(0, attention) ? costs.experts() : 0;
    if (!uneven(layer)) {
      return new Counted(layer, heaviestFirst, fewest, most);
    }
    List<int[]> ways = new ArrayList<>();
    int step = Math.max(1, (most - fewest) / MOST_COUNTS);
    for (int moved = fewest; moved <= most; moved += step) {
      add(ways, withCount(layer, heaviestFirst, moved));
    }
    double longest = longest(layer);
    for (int part = -HEAD_STARTS; part <= HEAD_STARTS; part++) {
      add(ways, withHeadStart(layer, heaviestFirst, longest * part / HEAD_STARTS));
    }
    ways.sort(Comparator.comparingDouble(way -> movedRows(layer, way)));
    return ways;
  }

  private Integer[] heaviestFirst(int layer) {
    return IntStream.range(0, costs.experts())
        .boxed()
        .sorted(Comparator.comparingDouble((Integer expert) -> -clock.rows(layer, expert)))
        .toArray(Integer[]::new);
  }

  private boolean anyMayOwn(int first, int end) {
    return IntStream.range(first, end).anyMatch(this::mayOwn);
  }

  /** One way for each count of moved experts. */
  private final class Counted extends AbstractList<int[]> {
    private final int layer;
    private final Integer[] heaviestFirst;
    private final int fewest;
    private final int[][] ways;

    private Counted(int layer, Integer[] heaviestFirst, int fewest, int most) {
      this.layer = layer;
      this.heaviestFirst = heaviestFirst;
      this.fewest = fewest;
      this.ways = new int[most - fewest + 1][];
    }

    @Override
    public int[] get(int index) {
      if (ways[index] == null) {
        ways[index] = withCount(layer, heaviestFirst, fewest + index);
      }
      return ways[index];
    }

    @Override
    public int size() {
      return ways.length;
    }
  }

  private static void add(List<int[]> ways, int[] way) {
    if (ways.stream().noneMatch(known -> Arrays.equals(known, way))) {
      ways.add(way);
    }
  }

  private boolean uneven(int layer) {
    return IntStream.range(1, costs.experts())
        .anyMatch(expert -> clock.rows(layer, expert) != clock.rows(layer, 0));
  }

  private double movedRows(int layer, int[] way) {
    double moved = 0;
    for (int expert = 0; expert < way.length; expert++) {
      moved += way[expert] < attention ? clock.rows(layer, expert) : 0;
    }
    return moved;
  }

  /** Time of a layer's experts on the fastest way that uses no attention worker, or all. */
  private double longest(int layer) {
    double whole = 0;
    double rate = 0;
    int first = attention < workers ? attention : 0;
    for (int worker = first; worker < workers; worker++) {
      double all = 0;
      for (int expert = 0; expert < costs.experts(); expert++) {
        all += clock.seconds(worker, layer, expert);
      }
      rate += all > 0 ? 1 / all : 0;
      whole = Math.max(whole, all);
    }
    return rate > 0 ? Math.max(1 / rate, whole / costs.experts()) : 0;
  }

  private boolean mayOwn(int worker) {
    return (worker < attention
            ? room.attention().get(worker)
            : room.expert().get(worker - attention))
        > 0;
  }

  /** The lightest {@code moved} experts on attention workers. */
  private int[] withCount(int layer, Integer[] heaviestFirst, int moved) {
    int[] way = new int[costs.experts()];
    double[] busy = start(0);
    int[] owned = new int[workers];
    for (int index = 0; index < heaviestFirst.length; index++) {
      int expert = heaviestFirst[index];
      boolean stays = index < heaviestFirst.length - moved;
      int owner =
          earliest(layer, expert, busy, owned, stays ? attention : 0, stays ? workers : attention);
      busy[owner] += clock.seconds(owner, layer, expert);
      owned[owner]++;
      way[expert] = owner;
    }
    return way;
  }

  /** All workers alike, but the expert workers with a head start. */
  private int[] withHeadStart(int layer, Integer[] heaviestFirst, double headStart) {
    int[] way = new int[costs.experts()];
    double[] busy = start(headStart);
    int[] owned = new int[workers];
    for (int expert : heaviestFirst) {
      int owner = earliest(layer, expert, busy, owned, 0, workers);
      busy[owner] += clock.seconds(owner, layer, expert);
      owned[owner]++;
      way[expert] = owner;
    }
    return way;
  }

  private double[] start(double headStart) {
    double[] busy = new double[workers];
    double least =
        costs.attention().stream()
            .mapToDouble(worker -> worker.attention().both())
            .min()
            .orElseThrow();
    for (int worker = 0; worker < attention; worker++) {
      busy[worker] = clock.workers().get(worker).attention().both() - least + headStart;
    }
    return busy;
  }

  private int earliest(int layer, int expert, double[] busy, int[] owned, int first, int end) {
    int earliest = -1;
    double soonest = Double.POSITIVE_INFINITY;
    for (int worker = first; worker < end; worker++) {
      if (mayOwn(worker)) {
        double done = busy[worker] + clock.seconds(worker, layer, expert);
        if (done < soonest || (done == soonest && owned[worker] < owned[earliest])) {
          earliest = worker;
          soonest = done;
        }
      }
    }
    return earliest;
  }
}
