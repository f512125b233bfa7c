package org.hetermoe.schedule;

import java.util.List;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.schedule.Task.Work;

/**
 * The order in which the workers of a ZP group compute within one step. A schedule is data: workers
 * walk it, the simulator executes it, charts draw it. Dispatch and combine have no place in it:
 * each is sent as soon as its producer is done.
 *
 * <p>With L expert layers there are L+1 attention stages, 0 to L. Stage s combines the experts'
 * outputs of layer s-1 (stage 0 embeds), then runs the attention part of layer s and dispatches;
 * the last stage runs final norm, head and loss.
 */
public sealed interface Schedule permits ZebraSchedule, SequentialSchedule {
  /** Number of expert layers, L. */
  int expertLayers();

  /** Number of micro-batches, R. */
  int microBatches();

  /**
   * What an attention worker computes in one step, in order; with the experts of every layer, as if
   * it owned some in each.
   */
  List<Task> attention();

  /** What an expert worker computes in one step, in order. */
  List<Task> experts();

  /** What a worker computes in one step, in order: experts only in layers where it owns some. */
  default List<Task> of(WorkerRank worker, Placement placement) {
    List<Task> all =
        switch (worker.role()) {
          case ATTENTION -> attention();
          case EXPERT -> experts();
        };
    return all.stream()
        .filter(task -> task.work() == Work.ATTENTION || placement.takesPart(task.stage(), worker))
        .toList();
  }

  /** What a worker computes to evaluate: forward only. */
  default List<Task> forwardOf(WorkerRank worker, Placement placement) {
    return of(worker, placement).stream()
        .filter(task -> task.direction() == Direction.FORWARD)
        .toList();
  }
}
