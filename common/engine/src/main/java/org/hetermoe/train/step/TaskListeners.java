package org.hetermoe.train.step;

import java.util.List;
import org.hetermoe.compute.Tensor;
import org.hetermoe.nn.ExpertBank;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.schedule.Split;
import org.hetermoe.schedule.Task;

/** Passes everything on to several listeners, in order. */
record TaskListeners(List<TaskListener> listeners) implements TaskListener {
  @Override
  public void beginStep(int step) {
    listeners.forEach(listener -> listener.beginStep(step));
  }

  @Override
  public void begin(Task task) {
    listeners.forEach(listener -> listener.begin(task));
  }

  @Override
  public void computed(Computation computation, long sinceNanos) throws InterruptedException {
    for (TaskListener listener : listeners) {
      listener.computed(computation, sinceNanos);
    }
  }

  @Override
  public void end(Task task, TaskMeasurement measurement) {
    listeners.forEach(listener -> listener.end(task, measurement));
  }

  @Override
  public void routerLogits(int layer, Split sequences, Tensor logits) {
    listeners.forEach(listener -> listener.routerLogits(layer, sequences, logits));
  }

  @Override
  public void logits(Split sequences, Tensor logits) {
    listeners.forEach(listener -> listener.logits(sequences, logits));
  }

  @Override
  public void attentionGradients(ParameterSet parameters) {
    listeners.forEach(listener -> listener.attentionGradients(parameters));
  }

  @Override
  public void expertGradients(ExpertBank bank) {
    listeners.forEach(listener -> listener.expertGradients(bank));
  }
}
