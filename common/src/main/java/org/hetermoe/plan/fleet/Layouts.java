package org.hetermoe.plan.fleet;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.hetermoe.cluster.DeviceProfile;
import org.hetermoe.cluster.Pass;

/**
 * The layouts of a fleet that are worth a look. Within a group the kinds that give up the least
 * expert work for attention attend (comparative advantage), so that one number, M, decides all
 * roles. Kinds may be left out.
 */
final class Layouts {
  private static final int MOST_COUNTS = 96;
  private static final int MOST_MICRO_BATCHES = 64;

  private final Fleet fleet;
  private final FleetTask task;
  private final List<Integer> attendFirst;

  Layouts(Fleet fleet, FleetTask task) {
    this.fleet = fleet;
    this.task = task;
    this.attendFirst =
        IntStream.range(0, fleet.kinds().size())
            .boxed()
            .sorted(Comparator.comparingDouble(this::givenUp))
            .toList();
  }

  private double givenUp(int kind) {
    if (!fleet.kinds().get(kind).attends()) {
      return Double.POSITIVE_INFINITY;
    }
    DeviceProfile profile = fleet.kinds().get(kind).one().profile();
    double rows = (double) task.length() * task.model().topK();
    return profile.attentionSeconds(task.model(), 1, task.length(), Pass.BACKWARD)
        / profile.expertSeconds(task.model(), rows, Pass.BACKWARD);
  }

  void each(Consumer<Layout> look) {
    int kinds = fleet.kinds().size();
    for (int subset = (1 << kinds) - 1; subset > 0; subset--) {
      for (int groups = 1; groups <= task.globalBatch(); groups++) {
        if (task.globalBatch() % groups == 0) {
          roles(counts(subset, groups), groups, look);
        }
      }
    }
  }

  /** Devices of a group, by kind; none of a kind that is in the subset but too few for all. */
  private int[] counts(int subset, int groups) {
    int[] counts = new int[fleet.kinds().size()];
    for (int kind = 0; kind < counts.length; kind++) {
      if ((subset >> kind & 1) == 1) {
        counts[kind] = fleet.kinds().get(kind).count() / groups;
        if (counts[kind] == 0) {
          return new int[counts.length];
        }
      }
    }
    return counts;
  }

  private void roles(int[] counts, int groups, Consumer<Layout> look) {
    int devices = IntStream.of(counts).sum();
    int attending =
        IntStream.range(0, counts.length)
            .filter(kind -> fleet.kinds().get(kind).attends())
            .map(kind -> counts[kind])
            .sum();
    int step = Math.max(1, devices / MOST_COUNTS);
    int batch = task.globalBatch() / groups;
    for (int m = 1; m <= Math.min(attending, Math.min(devices - 1, batch)); m += step) {
      List<Integer> attention = new ArrayList<>();
      List<Integer> expert = new ArrayList<>();
      split(counts, m, attention, expert);
      for (int microBatches = 1;
          microBatches <= Math.min(batch / m, MOST_MICRO_BATCHES);
          microBatches++) {
        if (batch % microBatches == 0) {
          look.accept(new Layout(groups, attention, expert, microBatches, batch / microBatches));
        }
      }
    }
  }

  private void split(int[] counts, int m, List<Integer> attention, List<Integer> expert) {
    int[] attending = new int[counts.length];
    int left = m;
    for (int kind : attendFirst) {
      attending[kind] = Math.min(left, counts[kind]);
      left -= attending[kind];
    }
    for (int kind = 0; kind < counts.length; kind++) {
      attention.add(attending[kind]);
      expert.add(counts[kind] - attending[kind]);
    }
  }
}
