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
  private final Fleet fleet;
  private final FleetTask task;
  private final ModelShape model;
  private final Map<Integer, double[]> attendSeconds = new HashMap<>();
  private final Map<Integer, double[]> rowSeconds = new HashMap<>();

  Forecast(Fleet fleet, FleetTask task) {
    this.fleet = fleet;
    this.task = task;
    this.model = task.model();
  }

  /**
   * Of one step.
   *
   * @param bound seconds that it takes at least
   * @param about seconds that it takes about: with filling, waiting and transfers
   */
  record Seconds(double bound, double about) {}

  /** Least seconds of a step, whatever the layout: each device does what it is best at. */
  double clusterBound() {
    double[] attend = attendSeconds(task.globalBatch());
    double[] row = rowSeconds(task.globalBatch());
    List<TwoWorks.Machine> machines = new ArrayList<>();
    for (int kind = 0; kind < attend.length; kind++) {
      machines.add(
          new TwoWorks.Machine(0, attend[kind], row[kind], fleet.kinds().get(kind).count()));
    }
    return new TwoWorks(machines).leastSeconds(task.globalBatch(), rows(task.globalBatch()));
  }

  Seconds of(Layout layout) {
    double[] attend = attendSeconds(layout.sequences());
    double[] row = rowSeconds(layout.sequences());
    int attentionWorkers = layout.attentionWorkers();
    int sequences = layout.microBatches() * layout.sequences();
    double rows = rows(sequences);
    boolean alike = layout.attention().stream().filter(count -> count > 0).count() == 1;
    double whole =
        alike
            ? (double) Math.ceilDiv(layout.sequences(), attentionWorkers)
                * attentionWorkers
                / layout.sequences()
            : 1;
    int replicas = attentionWorkers * layout.groups();
    List<TwoWorks.Machine> machines = new ArrayList<>();
    double attentionRate = 0;
    double expertRate = 0;
    double slowestLink = Double.POSITIVE_INFINITY;
    for (int kind = 0; kind < attend.length; kind++) {
      double replicated =
          optimizerSeconds(kind, model.residentParameters() / attentionWorkers)
              + reduceSeconds(kind, model.residentParameters(), replicas);
      double experts = (double) model.layers() * model.experts();
      double each =
          row[kind]
              + experts
                  / rows
                  * (optimizerSeconds(kind, model.expertParameters())
                      + reduceSeconds(kind, model.expertParameters(), layout.groups()));
      if (layout.attention().get(kind) > 0) {
        machines.add(
            new TwoWorks.Machine(
                replicated, whole * attend[kind], each, layout.attention().get(kind)));
        attentionRate += layout.attention().get(kind) / attend[kind];
        slowestLink = Math.min(slowestLink, bandwidth(kind));
      }
      if (layout.expert().get(kind) > 0) {
        machines.add(
            new TwoWorks.Machine(0, Double.POSITIVE_INFINITY, each, layout.expert().get(kind)));
        expertRate += layout.expert().get(kind) / row[kind];
        slowestLink = Math.min(slowestLink, bandwidth(kind));
      }
    }
    double bound = new TwoWorks(machines).leastSeconds(sequences, rows);
    int fewer = Math.min(attentionWorkers, layout.expertWorkers());
    double sent = 2 * rows * model.hidden() * task.precision().bytes() / (fewer * slowestLink);
    double microBatch =
        (whole * sequences / attentionRate + rows / expertRate + 2 * sent) / layout.microBatches();
    double about =
        Math.max(Math.max(bound, sent), Math.max(microBatch, whole * sequences / attentionRate))
            + microBatch / model.layers();
    return new Seconds(bound, about);
  }

  /** Whether a group's memory can hold parameters and optimizer state of its model at all. */
  boolean holds(Layout layout) {
    double bytes = task.precision().parameterBytes() + task.precision().optimizerBytes();
    double memory = 0;
    for (int kind = 0; kind < fleet.kinds().size(); kind++) {
      double each = fleet.kinds().get(kind).one().profile().memoryBytes();
      memory += each * (layout.attention().get(kind) + layout.expert().get(kind));
    }
    double experts = (double) model.layers() * model.experts() * model.expertParameters();
    double replicated =
        (double) model.residentParameters()
            * (layout.attentionWorkers() * task.precision().parameterBytes()
                + task.precision().optimizerBytes());
    return experts * bytes + replicated <= memory;
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
