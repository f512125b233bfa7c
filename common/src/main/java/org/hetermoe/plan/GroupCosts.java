package org.hetermoe.plan;

import java.util.List;
import org.hetermoe.group.Peer;

/**
 * What everything costs in one ZP group: all that planner and simulator know of devices, model and
 * batch.
 *
 * @param layers expert layers (L)
 * @param experts routed experts per layer
 * @param microBatches per step (R)
 * @param topK routed experts per token
 * @param rowBytes of one token's row on the way between workers
 * @param attention attention workers, by rank
 * @param expert expert workers, by rank
 * @param loads of the experts
 */
public record GroupCosts(
    int layers,
    int experts,
    int microBatches,
    int topK,
    double rowBytes,
    List<WorkerCosts> attention,
    List<WorkerCosts> expert,
    ExpertLoads loads) {
  public GroupCosts {
    attention = List.copyOf(attention);
    expert = List.copyOf(expert);
    if (attention.isEmpty()) {
      throw new IllegalArgumentException("a group needs an attention worker");
    }
  }

  /** A worker's costs. */
  public WorkerCosts of(Peer worker) {
    return switch (worker.role()) {
      case ATTENTION -> attention.get(worker.rank());
      case EXPERT -> expert.get(worker.rank());
    };
  }

  /** Tokens of one micro-batch, over all attention workers. */
  public long tokens() {
    return attention.stream().mapToLong(WorkerCosts::tokens).sum();
  }

  /** Rows that an expert computes in one micro-batch. */
  public double rows(int layer, int expertOfLayer) {
    return (double) tokens() * topK / experts * loads.of(layer, expertOfLayer);
  }
}
