package org.hetermoe.train.attention;

import org.hetermoe.channel.Phase;
import org.hetermoe.channel.Subject;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.train.step.RankChannel;
import org.hetermoe.train.step.RankChannel.Incoming;
import org.hetermoe.train.step.VectorPieces;

/**
 * All-reduce of the attention gradients: the vector is cut into pieces, each piece is summed by one
 * attention rank in the order of ranks and sent back to all, so that every rank ends with the same
 * bits.
 */
final class GradientAllReduce {
  private final Compute compute;
  private final RankChannel channel;
  private final int ranks;

  GradientAllReduce(Compute compute, RankChannel channel, int ranks) {
    this.compute = compute;
    this.channel = channel;
    this.ranks = ranks;
  }

  /** Replaces the vector by its sum over all attention ranks. */
  void reduce(Tensor gradients) throws InterruptedException {
    if (ranks == 1) {
      return;
    }
    int wanted = Math.max(ranks, VectorPieces.count(gradients));
    int pieces = Math.ceilDiv(wanted, ranks) * ranks;
    int self = channel.self().rank();
    for (int number = 0; number < pieces; number++) {
      if (number % ranks != self) {
        Tensor piece = VectorPieces.piece(gradients, pieces, number);
        WorkerRank summing = WorkerRank.attention(number % ranks);
        channel.send(summing, Phase.REDUCE, new Subject.Piece(number), piece);
      }
    }
    for (int number = self; number < pieces; number += ranks) {
      Tensor piece = VectorPieces.piece(gradients, pieces, number);
      sum(piece, new Subject.Piece(number));
      for (int rank = 0; rank < ranks; rank++) {
        if (rank != self) {
          channel.send(WorkerRank.attention(rank), Phase.GATHER, new Subject.Piece(number), piece);
        }
      }
    }
    for (int number = 0; number < pieces; number++) {
      if (number % ranks != self) {
        Tensor target = VectorPieces.piece(gradients, pieces, number);
        WorkerRank summing = WorkerRank.attention(number % ranks);
        channel.receive(summing, Phase.GATHER, new Subject.Piece(number), target);
      }
    }
  }

  private void sum(Tensor own, Subject piece) throws InterruptedException {
    try (Workspace w = new Workspace(compute)) {
      Tensor sum = w.zeros(own.dtype(), own.shape().toArray());
      for (int rank = 0; rank < ranks; rank++) {
        if (rank == channel.self().rank()) {
          compute.add(own, sum);
        } else {
          try (Incoming other = channel.receive(Phase.REDUCE, piece, WorkerRank.attention(rank))) {
            compute.add(other.tensor(), sum);
          }
        }
      }
      compute.copy(sum, own);
    }
  }
}
