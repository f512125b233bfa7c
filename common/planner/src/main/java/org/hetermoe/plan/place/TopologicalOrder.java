package org.hetermoe.plan.place;

import java.util.ArrayList;
import java.util.List;
import org.hetermoe.schedule.Schedule;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.schedule.Task.Work;

/** The tasks of both sides of a schedule in one order in which each comes after what it needs. */
final class TopologicalOrder {
  /**
   * A task that all workers of a side do.
   *
   * @param attentionSide whether attention workers do it, or expert workers
   */
  record Step(boolean attentionSide, Task task) {}

  private final Schedule schedule;

  /** Whether rows have been sent to, and computed by, a layer's experts; by {@link #slot}. */
  private final boolean[] sent;

  private final boolean[] computed;

  private TopologicalOrder(Schedule schedule) {
    this.schedule = schedule;
    int slots = 2 * (schedule.expertLayers() + 1) * schedule.microBatches();
    sent = new boolean[slots];
    computed = new boolean[slots];
  }

  /**
   * The order.
   *
   * @throws IllegalArgumentException if the two sides wait for each other
   */
  static List<Step> of(Schedule schedule) {
    return new TopologicalOrder(schedule).merged();
  }

  private List<Step> merged() {
    List<Task> attention = schedule.attention();
    List<Task> experts = schedule.experts();
    List<Step> order = new ArrayList<>();
    int nextAttention = 0;
    int nextExpert = 0;
    while (nextAttention < attention.size() || nextExpert < experts.size()) {
      int before = order.size();
      while (nextExpert < experts.size() && sent[slot(experts.get(nextExpert))]) {
        Task task = experts.get(nextExpert++);
        computed[slot(task)] = true;
        order.add(new Step(false, task));
      }
      while (nextAttention < attention.size() && ready(attention.get(nextAttention))) {
        Task task = attention.get(nextAttention++);
        markSent(task);
        order.add(new Step(true, task));
      }
      if (order.size() == before) {
        throw new IllegalArgumentException("the two sides of " + schedule + " wait for each other");
      }
    }
    return order;
  }

  private void markSent(Task task) {
    int layer = task.direction() == Direction.FORWARD ? task.stage() : task.stage() - 1;
    if (task.work() == Work.ATTENTION && layer >= 0) {
      sent[slot(Task.experts(layer, task.microBatch(), task.direction()))] = true;
    }
  }

  /** Whether the rows that a task of an attention worker needs have been computed. */
  private boolean ready(Task task) {
    if (task.work() == Work.EXPERTS) {
      return true;
    }
    int layer = task.direction() == Direction.FORWARD ? task.stage() - 1 : task.stage();
    return layer < 0
        || layer >= schedule.expertLayers()
        || computed[slot(Task.experts(layer, task.microBatch(), task.direction()))];
  }

  private int slot(Task task) {
    int direction = task.direction() == Direction.FORWARD ? 0 : 1;
    return (direction * (schedule.expertLayers() + 1) + task.stage()) * schedule.microBatches()
        + task.microBatch();
  }
}
