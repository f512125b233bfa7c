package org.hetermoe.plan.fleet;

import java.util.stream.IntStream;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.Pass;
import org.hetermoe.device.Precision;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.CostModel;

/**
 * What a group's step needs of each kind of device's memory, without the costs of every worker. A
 * little less than {@link CostModel} counts: it sorts out what cannot fit, which decides.
 */
final class GroupMemory {
  private final Fleet fleet;
  private final FleetTask task;
  private final ModelShape model;
  private final Precision precision;
  private final double[] speed;

  GroupMemory(Fleet fleet, FleetTask task) {
    this.fleet = fleet;
    this.task = task;
    model = task.model();
    precision = task.precision();
    speed =
        IntStream.range(0, fleet.kinds().size())
            .mapToDouble(kind -> fleet.kinds().get(kind).attends() ? speed(kind) : 0)
            .toArray();
  }

  private double speed(int kind) {
    DeviceProfile profile = fleet.kinds().get(kind).one().profile();
    return 1
        / (profile.attentionSeconds(model, 1, task.length(), Pass.FORWARD)
            + profile.attentionSeconds(model, 1, task.length(), Pass.BACKWARD));
  }

  /** Sequences of a micro-batch that each attention worker of a kind gets, by its speed. */
  double share(Layout layout, int kind) {
    double total = 0;
    for (int other = 0; other < speed.length; other++) {
      total += layout.attention().get(other) * speed[other];
    }
    double exact = layout.sequences() * speed[kind] / total;
    return layout.attention().get(kind) == layout.attentionWorkers()
        ? Math.ceil(exact - 1e-9)
        : Math.rint(exact);
  }

  /**
   * Sequences of a micro-batch in which those that attend are done at about the same time.
   *
   * @param most that a worker of the fastest kind gets
   */
  int sequences(Layout layout, int most) {
    double fastest = 0;
    for (int kind = 0; kind < speed.length; kind++) {
      fastest = layout.attention().get(kind) > 0 ? Math.max(fastest, speed[kind]) : fastest;
    }
    int sequences = 0;
    for (int kind = 0; kind < speed.length; kind++) {
      int each = (int) Math.max(1, Math.rint(most * speed[kind] / fastest));
      sequences += layout.attention().get(kind) * each;
    }
    return sequences;
  }

  /** Whether all experts, and what attention workers keep, fit. */
  boolean holds(Layout layout) {
    double room = 0;
    for (int kind = 0; kind < speed.length; kind++) {
      if (layout.attention().get(kind) > 0) {
        double each = attentionRoom(layout, kind);
        if (each < 0) {
          return false;
        }
        room += layout.attention().get(kind) * each;
      }
      if (layout.expert().get(kind) > 0) {
        room += layout.expert().get(kind) * Math.max(0, expertRoom(layout, kind));
      }
    }
    return room >= (double) model.layers() * model.experts();
  }

  /** Experts that an attention worker holds; negative if it lacks memory even without. */
  double attentionRoom(Layout layout, int kind) {
    double tokens = share(layout, kind) * task.length();
    double kept = task.checkpointing() ? model.layers() + model.denseLayers() + 1 : 0;
    double width = (double) precision.bytes() * model.hidden();
    double resident =
        CostModel.RESERVED_BYTES
            + (double) model.residentParameters()
                * (precision.parameterBytes()
                    + (double) precision.optimizerBytes() / layout.attentionWorkers())
            + tokens * layout.microBatches() * width * kept
            + Math.max(2 * tokens * precision.bytes() * model.vocabulary(), working(layout));
    return (memory(kind) - resident) / expertBytes(layout);
  }

  /** Experts that an expert worker holds; negative if it lacks memory even without. */
  double expertRoom(Layout layout, int kind) {
    double rows = rows(layout) / Math.max(1, layout.expertWorkers());
    double resident =
        CostModel.RESERVED_BYTES + 2 * rows * precision.bytes() * model.hidden() + working(layout);
    return (memory(kind) - resident) / expertBytes(layout);
  }

  private double memory(int kind) {
    return fleet.kinds().get(kind).one().profile().memoryBytes();
  }

  /** Rows of a layer's experts in a micro-batch. */
  private double rows(Layout layout) {
    return (double) layout.sequences() * task.length() * model.topK();
  }

  private double widths() {
    return 2.0 * model.hidden() + 3.0 * model.expertWidth();
  }

  /** One expert at work. */
  private double working(Layout layout) {
    return rows(layout) / model.experts() * precision.bytes() * widths();
  }

  private double expertBytes(Layout layout) {
    double kept = task.checkpointing() ? model.hidden() : widths();
    return (double) model.expertParameters()
            * (precision.parameterBytes() + precision.optimizerBytes())
        + rows(layout) / model.experts() * layout.microBatches() * kept * precision.bytes();
  }
}
