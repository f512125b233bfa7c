package org.hetermoe.train.step;

import java.util.List;
import org.hetermoe.compute.Tensor;
import org.hetermoe.nn.ExpertBank;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.schedule.Split;
import org.hetermoe.schedule.Task;

/**
 * Is told what a rank does, as it happens, by the rank's own thread. What a listener takes of that
 * thread's time holds the rank up, which is how a slower device is emulated. Tensors are valid
 * during a call only.
 */
public interface TaskListener {
  /** Listens to nothing. */
  TaskListener NONE = new TaskListener() {};

  /** A step begins; steps are counted from 1. */
  default void beginStep(int step) {}

  /** A task of the schedule begins. */
  default void begin(Task task) {}

  /**
   * A piece of device work is done, and its results are about to be sent.
   *
   * @param sinceNanos when it began, of {@link System#nanoTime}: the end of the piece before, moved
   *     on by what was spent waiting for other ranks. So what is done in between, such as the gate
   *     branch while the experts work, counts for the piece that follows
   */
  default void computed(Computation computation, long sinceNanos) throws InterruptedException {}

  /** A task of the schedule has ended; what it gave is with the channel. */
  default void end(Task task, TaskMeasurement measurement) {}

  /** Router logits F32[T,E] of some sequences of the batch. */
  default void routerLogits(int layer, Split sequences, Tensor logits) {}

  /** Logits [T,V] of some sequences of the batch, of the attention side's type. */
  default void logits(Split sequences, Tensor logits) {}

  /**
   * The attention side's gradients, reduced over all ranks, before clipping and with the scale of
   * the loss; from rank 0.
   */
  default void attentionGradients(ParameterSet parameters) {}

  /** The gradients of a rank's experts, before clipping and with the scale of the loss. */
  default void expertGradients(ExpertBank bank) {}

  /** One listener that passes everything on to several, in order. */
  static TaskListener all(TaskListener... listeners) {
    return new TaskListeners(List.of(listeners));
  }
}
