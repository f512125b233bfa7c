package org.hetermoe.train.expert;

import java.util.List;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Groups;
import org.hetermoe.compute.Holder;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.tensor.Shape;

/**
 * The order in which the experts of a layer here see the rows of a micro-batch: by expert, then by
 * attention rank, then by token. So an expert sees them in one fixed order, wherever it lives and
 * however many attention ranks there are. It is made once, on the host, and then every exchange of
 * rows with the deliveries is one gather.
 */
final class AssignmentOrder implements AutoCloseable {
  private final Compute compute;
  private final Groups groups;
  private final Workspace indices;

  /** Per row in this order: which delivery, which row of its tokens, which of its assignments. */
  private final Tensor delivery;

  private final Tensor tokenRow;
  private final Tensor assignment;

  /** Per delivery, in the order of its assignments: which row in this order. */
  private final Tensor[] position;

  AssignmentOrder(Compute compute, List<Delivery> deliveries) {
    this.compute = compute;
    int experts = deliveries.getFirst().counts().length;
    int[] sizes = new int[experts];
    for (Delivery each : deliveries) {
      for (int expert = 0; expert < experts; expert++) {
        sizes[expert] += each.counts()[expert];
      }
    }
    groups = Groups.ofSizes(sizes);
    indices = new Workspace(compute, Holder.ACTIVATIONS);
    position = new Tensor[deliveries.size()];
    if (deliveries.size() == 1) {
      // One sender: its order is this order.
      int[] rows = deliveries.getFirst().rows();
      tokenRow = indices.ints(rows, rows.length);
      delivery = null;
      assignment = null;
      return;
    }
    int rows = groups.rows();
    int[] deliveryOf = new int[rows];
    int[] tokenRowOf = new int[rows];
    int[] assignmentOf = new int[rows];
    int[][] positionOf = new int[deliveries.size()][];
    int[] next = new int[deliveries.size()];
    for (int sender = 0; sender < positionOf.length; sender++) {
      positionOf[sender] = new int[deliveries.get(sender).assignments()];
    }
    int row = 0;
    for (int expert = 0; expert < experts; expert++) {
      for (int sender = 0; sender < positionOf.length; sender++) {
        Delivery from = deliveries.get(sender);
        for (int i = 0; i < from.counts()[expert]; i++) {
          int at = next[sender]++;
          deliveryOf[row] = sender;
          tokenRowOf[row] = from.rows()[at];
          assignmentOf[row] = at;
          positionOf[sender][at] = row++;
        }
      }
    }
    delivery = indices.ints(deliveryOf, rows);
    tokenRow = indices.ints(tokenRowOf, rows);
    assignment = indices.ints(assignmentOf, rows);
    for (int sender = 0; sender < positionOf.length; sender++) {
      position[sender] = indices.ints(positionOf[sender], positionOf[sender].length);
    }
  }

  /** A group of rows for each expert. */
  Groups groups() {
    return groups;
  }

  /** Gathers token rows. */
  void gatherTokens(List<Tensor> tokens, Tensor input) {
    if (isOneDelivery()) {
      compute.gatherRows(tokens.getFirst(), tokenRow, null, input);
    } else {
      compute.gatherRows(tokens, delivery, tokenRow, null, input);
    }
  }

  /** Gathers gradients of output rows, each times its routing weight. */
  void gatherGradients(List<GradientDelivery> gradients, Tensor dOutput) {
    try (Workspace w = new Workspace(compute)) {
      if (isOneDelivery()) {
        GradientDelivery only = gradients.getFirst();
        compute.gatherRows(only.d(), tokenRow, w.asF32(only.weights()), dOutput);
        return;
      }
      List<Tensor> weights = gradients.stream().map(each -> column(each.weights())).toList();
      Tensor scale = w.f32(groups.rows(), 1);
      compute.gatherRows(weights, delivery, assignment, null, scale);
      List<Tensor> d = gradients.stream().map(GradientDelivery::d).toList();
      compute.gatherRows(d, delivery, tokenRow, scale.view(0, Shape.of(groups.rows())), dOutput);
    }
  }

  private static Tensor column(Tensor vector) {
    return vector.view(0, Shape.of(vector.shape().rows(), 1));
  }

  /** Writes the rows of each delivery's assignments where they are sent from, in those types. */
  void spread(Tensor rows, List<Tensor> outputs) {
    if (isOneDelivery()) {
      compute.convert(rows, outputs.getFirst());
      return;
    }
    for (int sender = 0; sender < outputs.size(); sender++) {
      compute.gatherRows(rows, position[sender], null, outputs.get(sender));
    }
  }

  /** Whether rows in this order are those of one delivery. */
  boolean isOneDelivery() {
    return delivery == null;
  }

  @Override
  public void close() {
    indices.close();
  }
}
