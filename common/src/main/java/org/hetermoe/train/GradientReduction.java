package org.hetermoe.train;

import org.hetermoe.channel.Frame;
import org.hetermoe.channel.Phase;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Workspace;
import org.hetermoe.group.Peer;
import org.hetermoe.plan.Split;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;
import org.hetermoe.tensor.Tensor;

/**
 * All-reduce of the attention gradients: the vector is cut into pieces, each piece is summed by one
 * replica in the order of ranks and sent back to all, so that every replica ends with the same
 * bits.
 */
final class GradientReduction {
  /** Elements of a piece, at most: 4 MiB. */
  private static final int PIECE = 1 << 20;

  private final Compute compute;
  private final GroupLink link;
  private final int replicas;

  GradientReduction(Compute compute, GroupLink link, int replicas) {
    this.compute = compute;
    this.link = link;
    this.replicas = replicas;
  }

  /** Replaces the vector by its sum over all replicas. */
  void reduce(Tensor gradients) throws InterruptedException {
    if (replicas == 1) {
      return;
    }
    int elements = Math.toIntExact(gradients.shape().elements());
    int wanted = Math.max(replicas, Math.ceilDiv(elements, PIECE));
    int pieces = Math.ceilDiv(wanted, replicas) * replicas;
    int self = link.self().rank();
    for (int piece = 0; piece < pieces; piece++) {
      if (piece % replicas != self) {
        send(Phase.REDUCE, piece, view(gradients, pieces, piece), piece % replicas);
      }
    }
    for (int piece = self; piece < pieces; piece += replicas) {
      sum(view(gradients, pieces, piece), piece);
      for (int rank = 0; rank < replicas; rank++) {
        if (rank != self) {
          send(Phase.GATHER, piece, view(gradients, pieces, piece), rank);
        }
      }
    }
    for (int piece = 0; piece < pieces; piece++) {
      if (piece % replicas != self) {
        Tensor target = view(gradients, pieces, piece);
        try (Frame frame = link.receive(Phase.GATHER, piece, 0, Peer.attention(piece % replicas));
            Tensor received = compute.map(frame.data(), DType.F32, target.shape())) {
          compute.copy(received, target);
          compute.synchronize();
        }
      }
    }
  }

  private static Tensor view(Tensor gradients, int pieces, int piece) {
    Split range = Split.of(Math.toIntExact(gradients.shape().elements()), pieces, piece);
    return gradients.view(range.from(), Shape.of(range.count()));
  }

  private void send(Phase phase, int piece, Tensor values, int rank) throws InterruptedException {
    Frame frame = link.frame(phase, piece, 0, 0, values.shape());
    try (Tensor target = compute.map(frame.data(), DType.F32, values.shape())) {
      compute.copy(values, target);
      compute.synchronize();
    }
    link.send(Peer.attention(rank), frame);
  }

  private void sum(Tensor own, int piece) throws InterruptedException {
    try (Workspace w = new Workspace(compute)) {
      Tensor sum = w.zeros(own.shape().toArray());
      for (int rank = 0; rank < replicas; rank++) {
        if (rank == link.self().rank()) {
          compute.add(own, sum);
        } else {
          try (Frame frame = link.receive(Phase.REDUCE, piece, 0, Peer.attention(rank));
              Tensor received = compute.map(frame.data(), DType.F32, own.shape())) {
            compute.add(received, sum);
            compute.synchronize();
          }
        }
      }
      compute.copy(sum, own);
      compute.synchronize();
    }
  }
}
