package org.hetermoe.simulate;

import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Passes;
import org.hetermoe.plan.WorkerCosts;

/**
 * A stage of a pipeline: the same layers on one device of each pipeline, whose devices share the
 * experts of these layers among them.
 *
 * @param costs of a device that has all layers, one micro-batch
 * @param width devices of the stage, one of each pipeline
 * @param layers of the stage
 * @param first whether it has the embedding
 * @param last whether it has the head
 */
record PipelineStage(GroupCosts costs, int width, int layers, boolean first, boolean last) {
  WorkerCosts worker() {
    return costs.attention().getFirst();
  }

  /** Experts of a layer that the busiest device of the stage has. */
  int experts() {
    return Math.ceilDiv(costs.experts(), width);
  }

  /** Seconds of one of {@code parts} parts of a layer's experts. */
  Passes expertsInParts(int parts) {
    double rows = (double) costs.tokens() * costs.topK() / costs.experts() / parts;
    return new Passes(
        experts() * worker().experts().forward(rows),
        experts() * worker().experts().backward(rows));
  }

  /** Bytes that a device's tokens bring to the stage's other devices in one layer. */
  double exchangeBytes() {
    return worker().tokens() * costs.topK() * costs.rowBytes() * (width - 1) / width;
  }

  /** Bytes that go from a device to the next stage. */
  double transferBytes() {
    return worker().tokens() * costs.rowBytes();
  }
}
