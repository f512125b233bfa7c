package org.hetermoe.schedule;

import java.util.ArrayList;
import java.util.List;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.schedule.Task.Work;

/**
 * The order in which the two sides of a ZP group compute so that each works while the other does
 * (paper §4.1, Theorem 1). With L = 2 and R = 3:
 *
 * <pre>
 * attention  A0.0 A0.1 A0.2 | A1.0 A1.1 A1.2 | A2.0 a2.0 A2.1 a2.1 A2.2 a2.2 | a1.0 a1.1 a1.2 | a0.0 a0.1 a0.2
 * experts         E0.0 E0.1 E0.2 E1.0 E1.1 E1.2        e1.0 e1.1 e1.2          e0.0 e0.1 e0.2
 *
 * A, E forward; a, e backward; stage.micro-batch
 * </pre>
 *
 * An attention worker that owns experts of a layer computes them after the attention of all
 * micro-batches of that layer (paper §4.2).
 *
 * @param expertLayers number of expert layers, L
 * @param microBatches number of micro-batches, R
 */
public record ZebraSchedule(int expertLayers, int microBatches) implements Schedule {
  public ZebraSchedule {
    if (expertLayers < 1 || microBatches < 1) {
      throw new IllegalArgumentException("a schedule needs at least one layer and micro-batch");
    }
  }

  @Override
  public List<Task> attention() {
    List<Task> order = new ArrayList<>();
    for (int stage = 0; stage < expertLayers; stage++) {
      row(order, Work.ATTENTION, stage, Direction.FORWARD);
      row(order, Work.EXPERTS, stage, Direction.FORWARD);
    }
    for (int microBatch = 0; microBatch < microBatches; microBatch++) {
      order.add(Task.attention(expertLayers, microBatch, Direction.FORWARD));
      order.add(Task.attention(expertLayers, microBatch, Direction.BACKWARD));
    }
    for (int stage = expertLayers - 1; stage >= 0; stage--) {
      row(order, Work.EXPERTS, stage, Direction.BACKWARD);
      row(order, Work.ATTENTION, stage, Direction.BACKWARD);
    }
    return order;
  }

  @Override
  public List<Task> experts() {
    List<Task> order = new ArrayList<>();
    for (int layer = 0; layer < expertLayers; layer++) {
      row(order, Work.EXPERTS, layer, Direction.FORWARD);
    }
    for (int layer = expertLayers - 1; layer >= 0; layer--) {
      row(order, Work.EXPERTS, layer, Direction.BACKWARD);
    }
    return order;
  }

  private void row(List<Task> order, Work work, int stage, Direction direction) {
    for (int microBatch = 0; microBatch < microBatches; microBatch++) {
      order.add(new Task(work, stage, microBatch, direction));
    }
  }
}
