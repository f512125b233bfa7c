package org.hetermoe.simulate;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Passes;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.schedule.Task.Work;

/**
 * What the workers of a group compute: an operation of the step graph for each task of each worker,
 * on a stream for each worker, in the worker's order.
 */
final class TaskOperations {
  private static final int MISSING = -1;

  private final GroupCosts costs;
  private final List<SimulatedWorker> workers;

  /** By worker and {@link #index}; the number of the operation. */
  private final int[][] operations;

  private TaskOperations(GroupCosts costs, List<SimulatedWorker> workers) {
    this.costs = costs;
    this.workers = workers;
    operations = new int[workers.size()][4 * (costs.layers() + 1) * costs.microBatches()];
    for (int[] row : operations) {
      Arrays.fill(row, MISSING);
    }
  }

  /** Adds the operations of all workers to a graph that has a stream for each of them. */
  static TaskOperations addTo(
      StepGraph graph,
      GroupCosts costs,
      List<SimulatedWorker> workers,
      Function<SimulatedWorker, List<Task>> orders) {
    TaskOperations tasks = new TaskOperations(costs, workers);
    for (int worker = 0; worker < workers.size(); worker++) {
      SimulatedWorker own = workers.get(worker);
      graph.pause(worker, own.costs().taskSeconds());
      for (Task task : orders.apply(own)) {
        tasks
                .operations[worker][
                tasks.index(task.work(), task.stage(), task.microBatch(), task.direction())] =
            graph.operation(
                worker,
                tasks.seconds(own, task),
                Label.code(tasks.kind(task), task.stage(), task.microBatch(), task.direction()));
      }
    }
    return tasks;
  }

  /**
   * The operation of a worker's task.
   *
   * @throws IllegalArgumentException if the worker's order has no such task
   */
  int of(int worker, Work work, int stage, int microBatch, Direction direction) {
    int operation = operations[worker][index(work, stage, microBatch, direction)];
    if (operation == MISSING) {
      throw new IllegalArgumentException(
          "the order of "
              + workers.get(worker).worker()
              + " lacks "
              + new Task(work, stage, microBatch, direction));
    }
    return operation;
  }

  @SuppressWarnings("EnumOrdinal") // an index into arrays of this class
  private int index(Work work, int stage, int microBatch, Direction direction) {
    return ((work.ordinal() * 2 + direction.ordinal()) * (costs.layers() + 1) + stage)
            * costs.microBatches()
        + microBatch;
  }

  private Label.Kind kind(Task task) {
    return switch (task.work()) {
      case ATTENTION -> task.stage() == costs.layers() ? Label.Kind.HEAD : Label.Kind.ATTENTION;
      case EXPERTS -> Label.Kind.EXPERTS;
    };
  }

  private double seconds(SimulatedWorker worker, Task task) {
    Direction direction = task.direction();
    return switch (task.work()) {
      case EXPERTS ->
          (direction == Direction.FORWARD ? worker.forward() : worker.backward())[task.stage()];
      case ATTENTION -> {
        if (task.stage() == costs.layers()) {
          yield of(worker.costs().head(), direction);
        }
        double embedding = task.stage() == 0 ? of(worker.costs().embedding(), direction) : 0;
        yield embedding + of(worker.costs().attention(), direction);
      }
    };
  }

  private static double of(Passes passes, Direction direction) {
    return direction == Direction.FORWARD ? passes.forward() : passes.backward();
  }
}
