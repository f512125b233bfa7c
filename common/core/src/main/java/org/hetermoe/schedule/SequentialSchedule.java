package org.hetermoe.schedule;

import java.util.ArrayList;
import java.util.List;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.schedule.Task.Work;

/**
 * One micro-batch after the other through all layers and back, so that each side waits while the
 * other works: attention and experts split, but not overlapped (the paper's DistEP, §6.1). The
 * plain twin of {@link ZebraSchedule}: the same sums in the same order.
 *
 * @param expertLayers number of expert layers, L
 * @param microBatches number of micro-batches, R
 */
public record SequentialSchedule(int expertLayers, int microBatches) implements Schedule {
  public SequentialSchedule {
    if (expertLayers < 1 || microBatches < 1) {
      throw new IllegalArgumentException("a schedule needs at least one layer and micro-batch");
    }
  }

  @Override
  public List<Task> attention() {
    List<Task> order = new ArrayList<>();
    for (int microBatch = 0; microBatch < microBatches; microBatch++) {
      for (int stage = 0; stage < expertLayers; stage++) {
        order.add(Task.attention(stage, microBatch, Direction.FORWARD));
        order.add(Task.experts(stage, microBatch, Direction.FORWARD));
      }
      order.add(Task.attention(expertLayers, microBatch, Direction.FORWARD));
      order.add(Task.attention(expertLayers, microBatch, Direction.BACKWARD));
      for (int stage = expertLayers - 1; stage >= 0; stage--) {
        order.add(Task.experts(stage, microBatch, Direction.BACKWARD));
        order.add(Task.attention(stage, microBatch, Direction.BACKWARD));
      }
    }
    return order;
  }

  @Override
  public List<Task> experts() {
    return attention().stream().filter(task -> task.work() == Work.EXPERTS).toList();
  }
}
