package org.hetermoe.plan;

import java.util.ArrayList;
import java.util.List;
import org.hetermoe.plan.Task.Direction;

/**
 * The order in which the two sides of a ZP group compute, so that each works while the other does
 * (paper §4.1, Theorem 1).
 *
 * <p>With L expert layers there are L+1 attention stages, 0 to L. Stage s combines the experts'
 * outputs of layer s-1 (stage 0 embeds), then runs the attention part of layer s and dispatches;
 * the last stage runs final norm, head and loss, forward and backward at once. With L = 2 and R =
 * 3:
 *
 * <pre>
 * attention  A0.0 A0.1 A0.2 | A1.0 A1.1 A1.2 | A2.0 a2.0 A2.1 a2.1 A2.2 a2.2 | a1.0 a1.1 a1.2 | a0.0 a0.1 a0.2
 * experts         E0.0 E0.1 E0.2 E1.0 E1.1 E1.2        e1.0 e1.1 e1.2          e0.0 e0.1 e0.2
 *
 * A, E forward; a, e backward; stage.micro-batch
 * </pre>
 *
 * Dispatch and combine have no place of their own: each is sent as soon as its producer is done.
 * Workers, simulator and charts all read this one class.
 *
 * @param expertLayers number of expert layers, L
 * @param microBatches number of micro-batches, R
 */
public record ZebraSchedule(int expertLayers, int microBatches) {
  public ZebraSchedule {
    if (expertLayers < 1 || microBatches < 1) {
      throw new IllegalArgumentException("a schedule needs at least one layer and micro-batch");
    }
  }

  /** What an attention worker computes in one step, in order. */
  public List<Task> attention() {
    List<Task> order = new ArrayList<>();
    for (int stage = 0; stage < expertLayers; stage++) {
      row(order, stage, Direction.FORWARD);
    }
    for (int microBatch = 0; microBatch < microBatches; microBatch++) {
      order.add(new Task(expertLayers, microBatch, Direction.FORWARD));
      order.add(new Task(expertLayers, microBatch, Direction.BACKWARD));
    }
    for (int stage = expertLayers - 1; stage >= 0; stage--) {
      row(order, stage, Direction.BACKWARD);
    }
    return order;
  }

  /** What an expert worker computes in one step, in order; a task's stage is its expert layer. */
  public List<Task> experts() {
    List<Task> order = new ArrayList<>();
    for (int layer = 0; layer < expertLayers; layer++) {
      row(order, layer, Direction.FORWARD);
    }
    for (int layer = expertLayers - 1; layer >= 0; layer--) {
      row(order, layer, Direction.BACKWARD);
    }
    return order;
  }

  /** What an attention worker computes to evaluate: forward only. */
  public List<Task> attentionForward() {
    return attention().stream().filter(task -> task.direction() == Direction.FORWARD).toList();
  }

  /** What an expert worker computes to evaluate: forward only. */
  public List<Task> expertsForward() {
    return experts().stream().filter(task -> task.direction() == Direction.FORWARD).toList();
  }

  private void row(List<Task> order, int stage, Direction direction) {
    for (int microBatch = 0; microBatch < microBatches; microBatch++) {
      order.add(new Task(stage, microBatch, direction));
    }
  }
}
