package org.hetermoe.plan.cluster;

import java.util.stream.IntStream;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.Pass;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.MemoryModel;

/**
 * Whether a layout fits, and how many experts each kind of its devices holds, without the costs of
 * every worker: all devices of a kind count alike. The cost model itself decides later.
 */
final class LayoutCapacity {
  private final DevicePool pool;
  private final TrainingJob job;
  private final ModelShape model;
  private final double[] speed;

  LayoutCapacity(DevicePool pool, TrainingJob job) {
    this.pool = pool;
    this.job = job;
    model = job.model();
    speed =
        IntStream.range(0, pool.kinds().size())
            .mapToDouble(kind -> pool.kinds().get(kind).attends() ? speed(kind) : 0)
            .toArray();
  }

  private double speed(int kind) {
    DeviceProfile profile = pool.kinds().get(kind).one().profile();
    return 1
        / (profile.attentionSeconds(model, 1, job.length(), Pass.FORWARD)
            + profile.attentionSeconds(model, 1, job.length(), Pass.BACKWARD));
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
    MemoryModel memory = memory(layout);
    double room = 0;
    for (int kind = 0; kind < speed.length; kind++) {
      if (layout.attention().get(kind) > 0) {
        double each = attentionRoom(memory, layout, kind);
        if (each < 0) {
          return false;
        }
        room += layout.attention().get(kind) * each;
      }
      if (layout.expert().get(kind) > 0) {
        room += layout.expert().get(kind) * Math.max(0, expertRoom(memory, layout, kind));
      }
    }
    return room >= (double) model.layers() * model.experts();
  }

  /** What a group of the layout takes. */
  MemoryModel memory(Layout layout) {
    return new MemoryModel(job.step(layout));
  }

  /** Experts that an attention worker holds; negative if it lacks memory even without. */
  double attentionRoom(MemoryModel memory, Layout layout, int kind) {
    long resident = memory.attentionBytes(share(layout, kind), layout.attentionWorkers(), true);
    return (capacity(kind) - resident) / bytesOfExpert(memory, layout);
  }

  /** Experts that an expert worker holds; negative if it lacks memory even without. */
  double expertRoom(MemoryModel memory, Layout layout, int kind) {
    long resident = memory.expertWorkerBytes(layout.expertWorkers(), layout.attentionWorkers());
    return (capacity(kind) - resident) / bytesOfExpert(memory, layout);
  }

  private double capacity(int kind) {
    return pool.kinds().get(kind).one().profile().memoryBytes();
  }

  private double bytesOfExpert(MemoryModel memory, Layout layout) {
    double rows = (double) layout.sequences() * job.length() * model.topK() / model.experts();
    return memory.expertBytes() + rows * layout.microBatches() * memory.expertRowBytes();
  }
}
