package org.hetermoe.plan.cluster;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.Pass;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.MemoryModel;
import org.hetermoe.plan.place.DivisibleWork;

/**
 * What a layout's step takes at least, and about, from the rates of its kinds of device alone: all
 * devices of a kind count as one machine with many hands.
 */
final class LayoutEstimate {
  private static final int HALVINGS = 30;

  private final DevicePool pool;
  private final TrainingJob job;
  private final ModelShape model;
  private final LayoutCapacity capacity;
  private final int[] devicesOnCard;
  private final Map<Integer, double[]> attendSeconds = new HashMap<>();
  private final Map<Integer, double[]> rowSeconds = new HashMap<>();

  LayoutEstimate(DevicePool pool, TrainingJob job) {
    this.pool = pool;
    this.job = job;
    this.model = job.model();
    this.capacity = new LayoutCapacity(pool, job);
    this.devicesOnCard = pool.kinds().stream().mapToInt(DevicePool.Kind::devicesOnCard).toArray();
  }

  /** Tokens per second that no layout could exceed: each device does what it is best at. */
  double clusterBound() {
    int sequences = job.globalBatch();
    double[] attend = attendSeconds(sequences);
    double[] row = rowSeconds(sequences);
    List<DivisibleWork.Machine> machines = new ArrayList<>();
    for (int kind = 0; kind < attend.length; kind++) {
      machines.add(
          new DivisibleWork.Machine(0, attend[kind], row[kind], pool.kinds().get(kind).count()));
    }
    double seconds = new DivisibleWork(machines).leastSeconds(sequences, rows(sequences));
    return (double) sequences * job.length() / seconds;
  }

  /** Seconds that a step takes at least: attention and experts over their rates. */
  double bound(Layout layout) {
    double[] attend = attendSeconds(layout.sequences());
    double[] row = rowSeconds(layout.sequences());
    int sequences = layout.microBatches() * layout.sequences();
    double rows = rows(sequences);
    List<DivisibleWork.Machine> machines = new ArrayList<>();
    for (int kind = 0; kind < attend.length; kind++) {
      double each = row[kind] + experts() / rows * oncePerExpert(kind, layout);
      if (layout.attention().get(kind) > 0) {
        machines.add(
            new DivisibleWork.Machine(
                oncePerAttention(kind, layout), attend[kind], each, layout.attention().get(kind)));
      }
      if (layout.expert().get(kind) > 0) {
        machines.add(
            new DivisibleWork.Machine(
                0, Double.POSITIVE_INFINITY, each, layout.expert().get(kind)));
      }
    }
    return new DivisibleWork(machines).leastSeconds(sequences, rows);
  }

  /**
   * Seconds that a step takes about. In a layer expert workers compute whole experts, as many as
   * their memory holds; attention workers what is left of their time; messages take theirs; and no
   * layer is done faster than a micro-batch goes through it.
   */
  double about(Layout layout) {
    return new Estimate(layout).seconds();
  }

  /** A layout's layers, all alike, all micro-batches and both passes together. */
  private final class Estimate {
    private final Layout layout;
    private final int kinds = pool.kinds().size();
    private final double[] each = new double[kinds];
    private final double[] pause = new double[kinds];
    private final double[] attentionRoom = new double[kinds];
    private final double[] expertRoom = new double[kinds];
    private double attention;
    private double once;
    private double sent;
    private double slowestLink = Double.POSITIVE_INFINITY;
    private double fastest = Double.POSITIVE_INFINITY;

    private Estimate(Layout layout) {
      this.layout = layout;
      int sequences = layout.microBatches() * layout.sequences();
      double rowsOfExpert = rows(sequences) / experts();
      double[] row = rowSeconds(layout.sequences());
      MemoryModel memory = capacity.memory(layout);
      double optimizer = 0;
      double perExpert = 0;
      for (int kind = 0; kind < kinds; kind++) {
        each[kind] = rowsOfExpert * row[kind];
        pause[kind] = 2 * layout.microBatches() * profile(kind).taskSeconds();
        if (layout.attention().get(kind) > 0) {
          int share = (int) capacity.share(layout, kind);
          double seconds = share > 0 ? share * attendSeconds(share)[kind] : 0;
          attention =
              Math.max(attention, layout.microBatches() * seconds / model.layers() + pause[kind]);
          optimizer = Math.max(optimizer, oncePerAttention(kind, layout));
          attentionRoom[kind] =
              Math.max(0, capacity.attentionRoom(memory, layout, kind)) / model.layers();
        }
        if (layout.expert().get(kind) > 0) {
          expertRoom[kind] =
              Math.max(0, capacity.expertRoom(memory, layout, kind)) / model.layers();
          fastest = Math.min(fastest, each[kind]);
          perExpert = Math.max(perExpert, oncePerExpert(kind, layout));
        }
        int sending = Math.max(layout.attention().get(kind), layout.expert().get(kind));
        if (sending > 0) {
          int onCard = Math.min(sending, devicesOnCard[kind]);
          slowestLink = Math.min(slowestLink, bandwidth(kind) / onCard);
        }
      }
      once = optimizer + experts() / layout.expertWorkers() * perExpert;
      sent =
          2
              * rows(sequences)
              / model.layers()
              * model.hidden()
              * job.training().precision().dispatch().bytes();
    }

    private double seconds() {
      double low = Math.max(attention, job.hottest() * fastest);
      double high = 2 * low;
      while (!suffices(high)) {
        low = high;
        high *= 2;
      }
      for (int halving = 0; halving < HALVINGS; halving++) {
        double middle = (low + high) / 2;
        if (suffices(middle)) {
          high = middle;
        } else {
          low = middle;
        }
      }
      double cards = Math.min(layout.attentionWorkers(), owners());
      double through =
          (attention + high + 2 * sent / (cards * slowestLink)) / layout.microBatches();
      return model.layers() * Math.max(high, through) + through + once;
    }

    private int owners() {
      return Math.min(layout.expertWorkers(), model.experts());
    }

    /** Whether all experts of a layer are computed, and their rows sent, in so many seconds. */
    private boolean suffices(double seconds) {
      double byAttention = 0;
      double byExperts = 0;
      for (int kind = 0; kind < kinds; kind++) {
        byAttention +=
            layout.attention().get(kind)
                * Math.min((seconds - attention) / each[kind], attentionRoom[kind]);
        byExperts +=
            layout.expert().get(kind)
                * Math.min(
                    Math.floor((seconds - pause[kind]) / each[kind] + 1e-9), expertRoom[kind]);
      }
      double moved = Math.max(0, model.experts() - byExperts) / model.experts();
      return byAttention + byExperts >= model.experts()
          && sent * (1 + moved) <= seconds * slowestLink * layout.attentionWorkers()
          && sent * (1 - moved) <= seconds * slowestLink * owners();
    }
  }

  /** Whether a group's memory can hold the layout's step, as far as rates of kinds tell. */
  boolean holds(Layout layout) {
    return capacity.holds(layout);
  }

  /** Sequences of a micro-batch of which each worker of the fastest kind gets so many. */
  int sequences(Layout layout, int most) {
    return capacity.sequences(layout, most);
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
    return (double) sequences * job.length() * model.topK() * model.layers();
  }

  private double bandwidth(int kind) {
    return pool.kinds().get(kind).one().bytesPerSecond();
  }

  private DeviceProfile profile(int kind) {
    return pool.kinds().get(kind).one().profile();
  }

  private double optimizerSeconds(int kind, long parameters) {
    return profile(kind).optimizerSeconds(parameters);
  }

  private double reduceSeconds(int kind, long parameters, int replicas) {
    double bytes = (double) parameters * job.training().gradients().bytes();
    return 2.0 * (replicas - 1) / replicas * bytes / bandwidth(kind);
  }

  /** Seconds of a sequence's attention side, all layers, by kind. */
  private double[] attendSeconds(int sequences) {
    return attendSeconds.computeIfAbsent(
        sequences,
        all -> {
          double[] seconds = new double[pool.kinds().size()];
          for (int kind = 0; kind < seconds.length; kind++) {
            seconds[kind] =
                pool.kinds().get(kind).attends()
                    ? attendSeconds(profile(kind), all) / all
                    : Double.POSITIVE_INFINITY;
          }
          return seconds;
        });
  }

  private double attendSeconds(DeviceProfile profile, int sequences) {
    int tokens = sequences * job.length();
    double forward =
        model.layers() * profile.attentionSeconds(model, sequences, job.length(), Pass.FORWARD);
    double backward =
        model.layers() * profile.attentionSeconds(model, sequences, job.length(), Pass.BACKWARD);
    double head =
        profile.headSeconds(model, tokens, Pass.FORWARD)
            + profile.headSeconds(model, tokens, Pass.BACKWARD);
    return job.training().attentionForwards() * forward + backward + head;
  }

  /** Seconds of an expert's row, by kind. */
  private double[] rowSeconds(int sequences) {
    return rowSeconds.computeIfAbsent(
        sequences,
        all -> {
          double rows = (double) all * job.length() * model.topK() / model.experts();
          double[] seconds = new double[pool.kinds().size()];
          for (int kind = 0; kind < seconds.length; kind++) {
            double forward = profile(kind).expertSeconds(model, rows, Pass.FORWARD);
            double backward = profile(kind).expertSeconds(model, rows, Pass.BACKWARD);
            seconds[kind] = (job.training().expertForwards() * forward + backward) / rows;
          }
          return seconds;
        });
  }
}
