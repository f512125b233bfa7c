package org.hetermoe.train;

import org.hetermoe.channel.Frame;
import org.hetermoe.channel.Phase;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.tensor.DType;

/**
 * All-reduce of the attention gradients: the vector is cut into pieces, each piece is summed by one
 * replica in the order of ranks and sent back to all, so that every replica ends with the same
 * bits.
 */
final class GradientReduction {
  private final Compute compute;
  private final GroupLink link;
  private final VectorLink vectors;
  private final int replicas;

  GradientReduction(Compute compute, GroupLink link, int replicas) {
    this.compute = compute;
    this.link = link;
    this.vectors = new VectorLink(compute, link);
    this.replicas = replicas;
  }

  /** Replaces the vector by its sum over all replicas. */
  void reduce(Tensor gradients) throws InterruptedException {
    if (replicas == 1) {
      return;
    }
    int elements = Math.toIntExact(gradients.shape().elements());
    int wanted = Math.max(replicas, Math.ceilDiv(elements, VectorLink.PIECE));
    int pieces = Math.ceilDiv(wanted, replicas) * replicas;
    int self = link.self().rank();
    for (int piece = 0; piece < pieces; piece++) {
      if (piece % replicas != self) {
        Tensor part = VectorLink.piece(gradients, pieces, piece);
        vectors.send(WorkerRank.attention(piece % replicas), Phase.REDUCE, piece, 0, part);
      }
    }
    for (int piece = self; piece < pieces; piece += replicas) {
      Tensor part = VectorLink.piece(gradients, pieces, piece);
      sum(part, piece);
      for (int rank = 0; rank < replicas; rank++) {
        if (rank != self) {
          vectors.send(WorkerRank.attention(rank), Phase.GATHER, piece, 0, part);
        }
      }
    }
    for (int piece = 0; piece < pieces; piece++) {
      if (piece % replicas != self) {
        Tensor target = VectorLink.piece(gradients, pieces, piece);
        vectors.receive(WorkerRank.attention(piece % replicas), Phase.GATHER, piece, 0, target);
      }
    }
  }

  private void sum(Tensor own, int piece) throws InterruptedException {
    try (Workspace w = new Workspace(compute)) {
      Tensor sum = w.zeros(own.shape().toArray());
      for (int rank = 0; rank < replicas; rank++) {
        if (rank == link.self().rank()) {
          compute.add(own, sum);
        } else {
          try (Frame frame = link.receive(Phase.REDUCE, piece, 0, WorkerRank.attention(rank));
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
