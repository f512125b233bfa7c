package org.hetermoe.train;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Groups;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.nn.ExpertBank;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * Computes the experts of one worker for the tokens of all attention workers. Rows of an expert are
 * those of attention worker 0, then 1, and so on, each in the order of tokens: so an expert sees
 * the micro-batch in one fixed order, wherever it lives and however many attention workers there
 * are.
 */
final class ExpertSide {
  private final Compute compute;
  private final int hidden;
  private final ExpertBank bank;
  private final Map<Key, Saved> saved = new HashMap<>();
  private final Map<Integer, long[]> trainedRows = new HashMap<>();

  ExpertSide(Compute compute, int hidden, ExpertBank bank) {
    this.compute = compute;
    this.hidden = hidden;
    this.bank = bank;
  }

  private record Key(int layer, int microBatch) {}

  private record Saved(List<Delivery> deliveries, ExpertBank.Activations activations) {}

  /**
   * What one attention worker sent.
   *
   * @param counts assignments of each expert here, experts ascending
   * @param rows per assignment, the row of {@code tokens}; I32
   * @param tokens [t,H]
   */
  record Delivery(int[] counts, Tensor rows, Tensor tokens) {}

  /**
   * The gradients that one attention worker sent.
   *
   * @param d of the output rows of its tokens, [t,H]
   * @param weights routing weight of each assignment, [A]
   */
  record GradientDelivery(Tensor d, Tensor weights) {}

  private interface Block {
    /**
     * Expert-major rows {@code [from, from+count)} are assignments {@code [at, at+count)} of a
     * sender.
     */
    void visit(int sender, int at, int from, int count);
  }

  /**
   * Computes a layer.
   *
   * @param deliveries by rank of the attention worker; their row tensors are read again in the
   *     backward and closed after it
   * @param outputs out, by rank, [A,H] in the order of the sender's assignments
   * @param trains whether a backward follows
   * @return rows of each expert
   */
  int[] forward(
      int layer, int microBatch, List<Delivery> deliveries, List<Tensor> outputs, boolean trains) {
    Groups groups = groups(deliveries);
    Tensor input = compute.allocate(DType.F32, Shape.of(groups.rows(), hidden));
    forEachBlock(
        deliveries,
        (sender, at, from, count) ->
            compute.gatherRows(
                deliveries.get(sender).tokens,
                deliveries.get(sender).rows.rows(at, count),
                null,
                input.rows(from, count)));
    ExpertBank.Activations activations;
    if (deliveries.size() == 1) {
      activations = bank.forward(layer, groups, input, outputs.getFirst());
    } else {
      try (Workspace w = new Workspace(compute)) {
        Tensor output = w.f32(groups.rows(), hidden);
        activations = bank.forward(layer, groups, input, output);
        spread(deliveries, output, outputs);
        compute.synchronize();
      }
    }
    compute.synchronize();
    if (trains) {
      saved.put(new Key(layer, microBatch), new Saved(deliveries, activations));
      count(layer, groups);
    } else {
      activations.close();
      deliveries.forEach(delivery -> delivery.rows.close());
    }
    return rows(groups);
  }

  /**
   * Gradients of a layer.
   *
   * @param gradients by rank of the attention worker
   * @param outputs out, by rank, gradients of the token rows, [A,H]
   * @return rows of each expert
   */
  int[] backward(
      int layer, int microBatch, List<GradientDelivery> gradients, List<Tensor> outputs) {
    Saved forward = saved.remove(new Key(layer, microBatch));
    List<Delivery> deliveries = forward.deliveries;
    int rows = forward.activations.groups().rows();
    try (Workspace w = new Workspace(compute)) {
      Tensor dOutput = w.f32(rows, hidden);
      forEachBlock(
          deliveries,
          (sender, at, from, count) ->
              compute.gatherRows(
                  gradients.get(sender).d,
                  deliveries.get(sender).rows.rows(at, count),
                  gradients.get(sender).weights.rows(at, count),
                  dOutput.rows(from, count)));
      if (deliveries.size() == 1) {
        bank.backward(layer, forward.activations, dOutput, outputs.getFirst());
      } else {
        Tensor dInput = w.f32(rows, hidden);
        bank.backward(layer, forward.activations, dOutput, dInput);
        spread(deliveries, dInput, outputs);
      }
      compute.synchronize();
    }
    forward.activations.close();
    deliveries.forEach(delivery -> delivery.rows.close());
    return rows(forward.activations.groups());
  }

  private void count(int layer, Groups groups) {
    long[] sums = trainedRows.computeIfAbsent(layer, key -> new long[groups.count()]);
    for (int expert = 0; expert < sums.length; expert++) {
      sums[expert] += groups.size(expert);
    }
  }

  /** Rows that each expert of a layer has trained on since this was last asked. */
  long[] takeTrainedRows(int layer) {
    long[] sums = trainedRows.remove(layer);
    return sums == null ? new long[bank.experts(layer).size()] : sums;
  }

  /** Assignments that an attention worker has in a forward that waits for its backward. */
  int assignments(int layer, int microBatch, int sender) {
    return saved.get(new Key(layer, microBatch)).deliveries.get(sender).rows.shape().rows();
  }

  private static Groups groups(List<Delivery> deliveries) {
    int[] sizes = new int[deliveries.getFirst().counts.length];
    for (Delivery delivery : deliveries) {
      for (int expert = 0; expert < sizes.length; expert++) {
        sizes[expert] += delivery.counts[expert];
      }
    }
    return Groups.ofSizes(sizes);
  }

  private static int[] rows(Groups groups) {
    return IntStream.range(0, groups.count()).map(groups::size).toArray();
  }

  private void spread(List<Delivery> deliveries, Tensor rows, List<Tensor> outputs) {
    forEachBlock(
        deliveries,
        (sender, at, from, count) ->
            compute.copy(rows.rows(from, count), outputs.get(sender).rows(at, count)));
  }

  private static void forEachBlock(List<Delivery> deliveries, Block block) {
    int[] at = new int[deliveries.size()];
    int from = 0;
    int experts = deliveries.getFirst().counts.length;
    for (int expert = 0; expert < experts; expert++) {
      for (int sender = 0; sender < at.length; sender++) {
        int count = deliveries.get(sender).counts[expert];
        if (count > 0) {
          block.visit(sender, at[sender], from, count);
        }
        at[sender] += count;
        from += count;
      }
    }
  }
}
