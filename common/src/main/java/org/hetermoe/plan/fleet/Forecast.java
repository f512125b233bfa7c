package org.hetermoe.plan.fleet;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hetermoe.cluster.DeviceProfile;
import org.hetermoe.cluster.Pass;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.place.TwoWorks;

/**
 * What a layout's step takes at least, and about, from the rates of its kinds of device alone: all
 * devices of a kind count as one machine with many hands.
 */
final class Forecast {
  private static final int HALVINGS = 30;

  private final Fleet fleet;
  private final FleetTask task;
  private final ModelShape model;
  private final GroupMemory memory;
  private final Map<Integer, double[]> attendSeconds = new HashMap<>();
  private final Map<Integer, double[]> rowSeconds = new HashMap<>();

  Forecast(Fleet fleet, FleetTask task) {
    this.fleet = fleet;
    this.task = task;
    this.model = task.model();
    this.memory = new GroupMemory(fleet, task);
  }

  /** Tokens per second that no layout could exceed: each device does what it is best at. */
  double clusterBound() {
    int sequences = task.globalBatch();
    double[] attend = attendSeconds(sequences);
    double[] row = rowSeconds(sequences);
    List<TwoWorks.Machine> machines = new ArrayList<>();
    for (int kind = 0; kind < attend.length; kind++) {
      machines.add(
          new TwoWorks.Machine(0, attend[kind], row[kind], fleet.kinds().get(kind).count()));
    }
    double seconds = new TwoWorks(machines).leastSeconds(sequences, rows(sequences));
    return (double) sequences * task.length() / seconds;
  }

  /** Seconds that a step takes at least: attention and experts over their rates. */
  double bound(Layout layout) {
    double[] attend = attendSeconds(layout.sequences());
    double[] row = rowSeconds(layout.sequences());
    int sequences = layout.microBatches() * layout.sequences();
    double rows = rows(sequences);
    List<TwoWorks.Machine> machines = new ArrayList<>();
    for (int kind = 0; kind < attend.length; kind++) {
      double each = row[kind] + experts() / rows * oncePerExpert(kind, layout);
      if (layout.attention().get(kind) > 0) {
        machines.add(
            new TwoWorks.Machine(
                oncePerAttention(kind, layout), attend[kind], each, layout.attention().get(kind)));
      }
      if (layout.expert().get(kind) > 0) {
        machines.add(
            new TwoWorks.Machine(0, Double.POSITIVE_INFINITY, each, layout.expert().get(kind)));
      }
    }
    return new TwoWorks(machines).leastSeconds(sequences, rows);
  }

  /**
   * Seconds that a step takes about. In a layer expert workers compute whole experts, as many as
   * their memory holds; attention workers what is left of their time; messages take theirs; and no
   * layer is done faster than a micro-batch goes through it.
   */
  double about(Layout layout) {
    double[] attend = attendSeconds(layout.sequences());
    double[] row = rowSeconds(layout.sequences());
    int sequences = layout.microBatches() * layout.sequences();
    double rowsOfExpert = rows(sequences) / experts();
    int kinds = attend.length;
    double[] each = new double[kinds];
    double[] most = new double[2 * kinds];
    double attention = 0;
    double optimizer = 0;
    double slowestLink = Double.POSITIVE_INFINITY;
    double fastest = Double.POSITIVE_INFINITY;
    for (int kind = 0; kind < kinds; kind++) {
      each[kind] = rowsOfExpert * row[kind];
      if (layout.attention().get(kind) > 0) {
        double share = memory.share(layout, kind);
        attention = Math.max(attention, layout.microBatches() * share * attend[kind]);
        optimizer = Math.max(optimizer, oncePerAttention(kind, layout));
        most[kind] = memory.attentionRoom(layout, kind) / model.layers();
      }
      if (layout.expert().get(kind) > 0) {
        most[kinds + kind] = memory.expertRoom(layout, kind) / model.layers();
        fastest = Math.min(fastest, each[kind]);
      }
      if (layout.attention().get(kind) + layout.expert().get(kind) > 0) {
        slowestLink = Math.min(slowestLink, bandwidth(kind));
      }
    }
    double perLayer = attention / model.layers();
    int owners = Math.min(layout.expertWorkers(), model.experts());
    double sent =
        2.0
            * rows(sequences)
            * model.hidden()
            * task.precision().bytes()
            / (Math.min(layout.attentionWorkers(), owners) * slowestLink)
            / model.layers();
    double low = Math.max(Math.max(perLayer, sent), task.hottest() * fastest);
    double high = low + model.experts() * fastest;
    for (int halving = 0; halving < HALVINGS; halving++) {
      double middle = (low + high) / 2;
      if (capacity(layout, middle, perLayer, each, most) >= model.experts()) {
        high = middle;
      } else {
        low = middle;
      }
    }
    double throughLayer = (perLayer + high + 2 * sent) / layout.microBatches();
    double once = 0;
    for (int kind = 0; kind < kinds; kind++) {
      once =
          layout.expert().get(kind) > 0 ? Math.max(once, oncePerExpert(kind, layout)) : once;
    }
    return model.layers() * Math.max(high, throughLayer)
        + throughLayer
        + optimizer
        + experts() / layout.expertWorkers() * once;
  }

  /** Experts of a layer that a group computes in so many seconds. */
  private double capacity(
      Layout layout, double seconds, double attention, double[] each, double[] most) {
    double capacity = 0;
    for (int kind = 0; kind < each.length; kind++) {
      capacity +=
          layout.attention().get(kind)
                  * Math.min((seconds - attention) / each[kind], most[kind])
              + layout.expert().get(kind)
                  * Math.min(Math.floor(seconds / each[kind] + 1e-9), most[each.length + kind]);
    }
    return capacity;
  }

  /** Whether a group's memory can hold the layout's step, as far as rates of kinds tell. */
  boolean holds(Layout layout) {
    return memory.holds(layout);
  }

  /** Sequences of a micro-batch of which each worker of the fastest kind gets so many. */
  int sequences(Layout layout, int most) {
    return memory.sequences(layout, most);
  }

  private double experts() {
    return (double) model.layers() * model.experts();
  }

  private double oncePerAttention(int kind, Layout layout) {
    int workers = layout.attentionWorkers();
    return optimizerSeconds(kind, model.residentParameters() / workers)
        + reduceSeconds(kind, model.residentParameters(), workers * layout.groups());
  }

  private double oncePerExpert(int kind, Layout layout) {
    return optimizerSeconds(kind, model.expertParameters())
        + reduceSeconds(kind, model.expertParameters(), layout.groups());
  }

  private double rows(int sequences) {
    return (double) sequences * task.length() * model.topK() * model.layers();
  }

  private double bandwidth(int kind) {
    return fleet.kinds().get(kind).one().bytesPerSecond();
  }

  private DeviceProfile profile(int kind) {
    return fleet.kinds().get(kind).one().profile();
  }

  private double optimizerSeconds(int kind, long parameters) {
    return profile(kind).optimizerSeconds(parameters);
  }

  private double reduceSeconds(int kind, long parameters, int replicas) {
    double bytes = (double) parameters * task.precision().bytes();
    return 2.0 * (replicas - 1) / replicas * bytes / bandwidth(kind);
  }

  /** Seconds of a sequence's attention side, all layers, by kind. */
  private double[] attendSeconds(int sequences) {
    return attendSeconds.computeIfAbsent(
        sequences,
        all -> {
          double[] seconds = new double[fleet.kinds().size()];
          for (int kind = 0; kind < seconds.length; kind++) {
            seconds[kind] =
                fleet.kinds().get(kind).attends()
                    ? attendSeconds(profile(kind), all) / all
                    : Double.POSITIVE_INFINITY;
          }
          return seconds;
        });
  }

  private double attendSeconds(DeviceProfile profile, int sequences) {
    int tokens = sequences * task.length();
    double forward =
        model.layers() * profile.attentionSeconds(model, sequences, task.length(), Pass.FORWARD);
    double backward =
        model.layers() * profile.attentionSeconds(model, sequences, task.length(), Pass.BACKWARD);
    double head =
        profile.headSeconds(model, tokens, Pass.FORWARD)
            + profile.headSeconds(model, tokens, Pass.BACKWARD);
    return (task.checkpointing() ? 2 : 1) * forward + backward + head;
  }

  /** Seconds of an expert's row, by kind. */
  private double[] rowSeconds(int sequences) {
    return rowSeconds.computeIfAbsent(
        sequences,
        all -> {
          double rows = (double) all * task.length() * model.topK() / model.experts();
          double[] seconds = new double[fleet.kinds().size()];
          for (int kind = 0; kind < seconds.length; kind++) {
            double forward = profile(kind).expertSeconds(model, rows, Pass.FORWARD);
            double backward = profile(kind).expertSeconds(model, rows, Pass.BACKWARD);
            seconds[kind] = ((task.checkpointing() ? 2 : 1) * forward + backward) / rows;
          }
          return seconds;
        });
  }
}
