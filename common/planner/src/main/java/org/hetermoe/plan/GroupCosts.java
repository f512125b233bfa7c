package org.hetermoe.plan;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.hetermoe.group.WorkerRank;

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
 * @param gradientBytes of one expert's gradients, which its owners exchange if it has several
 */
public record GroupCosts(
    int layers,
    int experts,
    int microBatches,
    int topK,
    double rowBytes,
    List<WorkerCosts> attention,
    List<WorkerCosts> expert,
    ExpertLoads loads,
    double gradientBytes) {
  public GroupCosts {
    attention = List.copyOf(attention);
    expert = List.copyOf(expert);
    if (attention.isEmpty()) {
      throw new IllegalArgumentException("a group needs an attention worker");
    }
  }

  /** The same with other costs of all workers. */
  public GroupCosts withWorkers(UnaryOperator<WorkerCosts> change) {
    return withWorkers(
        attention.stream().map(change).toList(), expert.stream().map(change).toList());
  }

  /** The same with other workers. */
  public GroupCosts withWorkers(List<WorkerCosts> newAttention, List<WorkerCosts> newExpert) {
    return new GroupCosts(
        layers,
        experts,
        microBatches,
        topK,
        rowBytes,
        newAttention,
        newExpert,
        loads,
        gradientBytes);
  }

  /** The same with so many micro-batches, of which nothing else changes. */
  public GroupCosts withMicroBatches(int count) {
    return new GroupCosts(
        layers, experts, count, topK, rowBytes, attention, expert, loads, gradientBytes);
  }

  /** The same with so many bytes of an expert's gradients. */
  public GroupCosts withGradientBytes(double bytes) {
    return new GroupCosts(
        layers, experts, microBatches, topK, rowBytes, attention, expert, loads, bytes);
  }

  /**
   * Seconds in which a worker's card reduces the gradients of an expert with so many owners: they
   * go round a ring twice.
   */
  public double replicaSeconds(WorkerCosts worker, int owners) {
    double turns = 2.0 * (owners - 1);
    return owners < 2
        ? 0
        : worker.link().seconds(turns / owners * gradientBytes)
            + turns * worker.link().latencySeconds();
  }

  /** A worker's costs. */
  public WorkerCosts of(WorkerRank worker) {
    return switch (worker.role()) {
      case ATTENTION -> attention.get(worker.rank());
      case EXPERT -> expert.get(worker.rank());
    };
  }

  /**
   * How many workers of its role use each worker's network card, itself included: they send at the
   * same time. Attention workers first.
   */
  public int[] workersOnCard() {
    return Stream.of(attention, expert)
        .flatMapToInt(
            side -> {
              Map<Integer, Integer> cards = new HashMap<>();
              side.forEach(worker -> cards.merge(worker.link().nic(), 1, Integer::sum));
              return side.stream()
                  .mapToInt(
                      worker ->
                          worker.link().nic() == LinkCosts.OWN
                              ? 1
                              : cards.get(worker.link().nic()));
            })
        .toArray();
  }

  /** Tokens of one micro-batch, over all attention workers. */
  public long tokens() {
    return attention.stream().mapToLong(WorkerCosts::tokens).sum();
  }

  /** Rows that an expert computes in one micro-batch. */
  public double rows(int layer, int expertOfLayer) {
    return (double) tokens() * topK / experts * loads.of(layer, expertOfLayer);
  }

  /**
   * Bytes that each worker takes with the experts of a placement; attention workers first. Most is
   * held when the backward pass reaches the experts of some layer: what the rows of this layer and
   * of those before it keep, and what is at work for this layer.
   *
   * @throws IndexOutOfBoundsException if it has workers that the group lacks
   */
  public long[] memoryBytes(ReplicatedPlacement placement) {
    int workers = attention.size() + expert.size();
    double[][] rows = new double[workers][layers];
    long[] kept = new long[workers];
    int[][] owners = placement.ownerCounts();
    placement
        .owners()
        .forEach(
            one -> {
              int worker = index(one.worker());
              double own = rows(one.layer(), one.expert()) / owners[one.layer()][one.expert()];
              rows[worker][one.layer()] += own;
              kept[worker] += of(one.worker()).bytesOfExpert(microBatches * own);
            });
    long[] bytes = new long[workers];
    for (int worker = 0; worker < workers; worker++) {
      WorkerCosts costs =
          worker < attention.size() ? attention.get(worker) : expert.get(worker - attention.size());
      bytes[worker] = costs.residentBytes() + kept[worker] + moreAtWork(costs, rows[worker]);
    }
    return bytes;
  }

  /** What a worker holds above all that its rows keep and its mean share at work. */
  private long moreAtWork(WorkerCosts worker, double[] rows) {
    double most = worker.expertOnly() ? Double.NEGATIVE_INFINITY : worker.workingBytes();
    double given = 0;
    for (int layer = layers - 1; layer >= 0; layer--) {
      most = Math.max(most, rows[layer] * worker.workingRowBytes() - given);
      given += microBatches * rows[layer] * worker.expertRowBytes();
    }
    return Math.round(most) - worker.workingBytes();
  }

  private int index(WorkerRank worker) {
    return worker.role() == WorkerRank.Role.ATTENTION
        ? worker.rank()
        : attention.size() + worker.rank();
  }
}
