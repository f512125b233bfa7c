package org.hetermoe.plan.cluster;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.hetermoe.plan.RoleOrder;

/**
 * The layouts of a pool that are worth a look. Within a group the kinds that give up the least
 * expert work for attention attend (comparative advantage), so that one number, M, decides all
 * roles. Kinds may be left out.
 */
final class Layouts {
  private static final int MOST_COUNTS = 96;
  private static final int MOST_MICRO_BATCHES = 64;
  private static final int MOST_GROUPS = 32;

  private final DevicePool pool;
  private final TrainingJob job;
  private final LayoutEstimate estimate;
  private final List<Integer> attendFirst;

  Layouts(DevicePool pool, TrainingJob job, LayoutEstimate estimate) {
    this.estimate = estimate;
    this.pool = pool;
    this.job = job;
    this.attendFirst =
        new RoleOrder(job.model(), job.length(), job.training())
            .attending(pool.kinds().stream().map(kind -> kind.one().profile()).toList());
  }

  void each(Consumer<Layout> look) {
    Set<List<Integer>> cuts = new HashSet<>();
    for (int uses = 1; uses < Math.pow(parts(), pool.kinds().size()); uses++) {
      int groups = most();
      while (groups > 0) {
        int[] counts = counts(uses, groups);
        // The same groups may be cut from fewer devices: most groups first.
        if (job.fitted() ? cuts.add(boxed(counts)) : job.globalBatch() % groups == 0) {
          roles(counts, groups, look);
        }
        groups -= job.fitted() ? Math.ceilDiv(groups, MOST_GROUPS) : 1;
      }
    }
  }

  /** A kind is left out or used; with prices half of it may be used, too. */
  private int parts() {
    return pool.priced() && pool.kinds().size() <= 3 ? 3 : 2;
  }

  private int most() {
    return Math.min(job.globalBatch(), pool.devices() / 2);
  }

  private static List<Integer> boxed(int[] counts) {
    return Arrays.stream(counts).boxed().toList();
  }

  /** Devices of a group, by kind; none of a kind that is in use but has too few for all. */
  private int[] counts(int uses, int groups) {
    int[] counts = new int[pool.kinds().size()];
    int rest = uses;
    for (int kind = 0; kind < counts.length; kind++) {
      int use = rest % parts();
      rest /= parts();
      if (use > 0) {
        counts[kind] = pool.kinds().get(kind).count() / use / groups;
        if (counts[kind] == 0) {
          return new int[counts.length];
        }
      }
    }
    return counts;
  }

  private void roles(int[] counts, int groups, Consumer<Layout> look) {
    int devices = IntStream.of(counts).sum();
    SortedSet<Integer> attending = new TreeSet<>();
    int whole = 0;
    for (int kind : attendFirst) {
      whole += counts[kind];
      attending.add(whole);
    }
    int step = Math.max(1, devices / MOST_COUNTS);
    for (int m = step; m <= whole; m += step) {
      attending.add(m);
    }
    for (int m : attending) {
      if (m > 0 && m < devices) {
        List<Integer> attention = new ArrayList<>();
        List<Integer> expert = new ArrayList<>();
        split(counts, m, attention, expert);
        Layout layout = new Layout(groups, attention, expert, 1, m);
        if (job.fitted()) {
          fitted(layout, look);
        } else {
          exact(layout, look);
        }
      }
    }
  }

  /** All micro-batches that make up the whole batch. */
  private void exact(Layout layout, Consumer<Layout> look) {
    int batch = job.globalBatch() / layout.groups();
    int most = Math.min(batch / layout.attentionWorkers(), MOST_MICRO_BATCHES);
    for (int microBatches = 1; microBatches <= most; microBatches++) {
      if (batch % microBatches == 0) {
        look.accept(layout.with(microBatches, batch / microBatches));
      }
    }
  }

  /** For each number of micro-batches, the largest that memory and batch allow. */
  private void fitted(Layout layout, Consumer<Layout> look) {
    if (!allowed(layout.with(1, estimate.sequences(layout, 1)))) {
      look.accept(layout);
      return;
    }
    int before = Integer.MAX_VALUE;
    for (int microBatches = 1;
        microBatches <= MOST_MICRO_BATCHES;
        microBatches += Math.max(1, microBatches / 6)) {
      int fits = 0;
      int fails = Math.min(before, Math.ceilDiv(job.globalBatch(), layout.groups()) + 1);
      while (fails - fits > 1) {
        int middle = (fits + fails) / 2;
        if (allowed(layout.with(microBatches, estimate.sequences(layout, middle)))) {
          fits = middle;
        } else {
          fails = middle;
        }
      }
      if (fits == 0) {
        return;
      }
      before = fails;
      look.accept(layout.with(microBatches, estimate.sequences(layout, fits)));
    }
  }

  private boolean allowed(Layout layout) {
    return layout.globalBatch() <= job.globalBatch() && estimate.holds(layout);
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
