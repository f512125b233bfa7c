package org.hetermoe.train.expert;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Groups;
import org.hetermoe.compute.Holder;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.nn.ExpertBank;
import org.hetermoe.tensor.Shape;
import org.hetermoe.train.step.Mode;

/**
 * Computes the experts of one rank for the tokens of all attention ranks, and keeps between forward
 * and backward what the backward needs.
 */
public final class ExpertTasks {
  private final Compute compute;
  private final int hidden;
  private final ExpertBank bank;
  private final boolean recompute;
  private final Map<Key, Saved> saved = new HashMap<>();
  private final Map<Integer, long[]> trainedRows = new HashMap<>();

  /**
   * Tasks of the experts of {@code bank}, over rows of {@code hidden} columns.
   *
   * @param recompute whether experts keep their input alone, and compute the rest again
   */
  public ExpertTasks(Compute compute, int hidden, ExpertBank bank, boolean recompute) {
    this.recompute = recompute;
    this.compute = compute;
    this.hidden = hidden;
    this.bank = bank;
  }

  private record Key(int layer, int microBatch) {}

  private record Saved(
      int[] assignments, AssignmentOrder order, ExpertBank.Activations activations) {}

  /**
   * Computes a layer.
   *
   * @param deliveries by attention rank
   * @param outputs out, by attention rank, [A,H] in the order of the sender's assignments
   * @param mode whether a backward follows
   * @return rows of each expert
   */
  public int[] forward(
      int layer, int microBatch, List<Delivery> deliveries, List<Tensor> outputs, Mode mode) {
    AssignmentOrder order = new AssignmentOrder(compute, deliveries);
    Groups groups = order.groups();
    Tensor input =
        compute.allocate(Holder.ACTIVATIONS, bank.type(), Shape.of(groups.rows(), hidden));
    order.gatherTokens(deliveries.stream().map(Delivery::tokens).toList(), input);
    ExpertBank.Activations activations;
    if (inPlace(order, outputs)) {
      activations = bank.forward(layer, groups, input, outputs.getFirst());
    } else {
      try (Workspace w = new Workspace(compute)) {
        Tensor output = w.tensor(bank.type(), groups.rows(), hidden);
        activations = bank.forward(layer, groups, input, output);
        order.spread(output, outputs);
      }
    }
    if (mode == Mode.TRAIN) {
      if (recompute) {
        activations.keepInput();
      }
      int[] assignments = deliveries.stream().mapToInt(Delivery::assignments).toArray();
      saved.put(new Key(layer, microBatch), new Saved(assignments, order, activations));
      count(layer, groups);
    } else {
      activations.close();
      order.close();
    }
    return rows(groups);
  }

  /**
   * Gradients of a layer.
   *
   * @param gradients by attention rank
   * @param outputs out, by attention rank, gradients of the token rows, [A,H]
   * @return rows of each expert
   */
  public int[] backward(
      int layer, int microBatch, List<GradientDelivery> gradients, List<Tensor> outputs) {
    Saved forward = saved.remove(new Key(layer, microBatch));
    AssignmentOrder order = forward.order;
    int rows = order.groups().rows();
    try (order;
        ExpertBank.Activations activations = forward.activations;
        Workspace w = new Workspace(compute)) {
      Tensor dOutput = w.tensor(bank.type(), rows, hidden);
      order.gatherGradients(gradients, dOutput);
      if (recompute) {
        bank.computeAgain(layer, activations);
      }
      if (inPlace(order, outputs)) {
        bank.backward(layer, activations, dOutput, outputs.getFirst());
      } else {
        Tensor dInput = w.tensor(bank.type(), rows, hidden);
        bank.backward(layer, activations, dOutput, dInput);
        order.spread(dInput, outputs);
      }
    }
    return rows(order.groups());
  }

  /** Whether the rows can be computed where they are sent from. */
  private boolean inPlace(AssignmentOrder order, List<Tensor> outputs) {
    return order.isOneDelivery() && outputs.getFirst().dtype() == bank.type();
  }

  private void count(int layer, Groups groups) {
    long[] sums = trainedRows.computeIfAbsent(layer, key -> new long[groups.count()]);
    for (int expert = 0; expert < sums.length; expert++) {
      sums[expert] += groups.size(expert);
    }
  }

  /** Rows that each expert of a layer has trained on since this was last asked. */
  public long[] takeTrainedRows(int layer) {
    long[] sums = trainedRows.remove(layer);
    return sums == null ? new long[bank.experts(layer).size()] : sums;
  }

  /** Assignments that an attention rank has in a forward that waits for its backward. */
  public int assignments(int layer, int microBatch, int sender) {
    return saved.get(new Key(layer, microBatch)).assignments[sender];
  }

  private static int[] rows(Groups groups) {
    return IntStream.range(0, groups.count()).map(groups::size).toArray();
  }
}
