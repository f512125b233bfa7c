package org.hetermoe.train;

import org.hetermoe.compute.Tensor;
import org.hetermoe.nn.ExpertBank;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.schedule.Split;

/** Looks at what a step computes, without a hand in it; tensors are valid during the call only. */
public interface StepProbe {
  /** Looks at nothing. */
  StepProbe NONE = new StepProbe() {};

  /** Router logits [T,E] of some sequences of the batch. */
  default void routerLogits(int layer, Split sequences, Tensor logits) {}

  /** Logits [T,V] of some sequences of the batch. */
  default void logits(Split sequences, Tensor logits) {}

  /** The attention side's gradients, reduced over all replicas, before clipping; from worker 0. */
  default void attentionGradients(ParameterSet parameters) {}

  /** The gradients of a worker's experts, before clipping. */
  default void expertGradients(ExpertBank bank) {}
}
