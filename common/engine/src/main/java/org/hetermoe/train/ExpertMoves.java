package org.hetermoe.train;

import java.util.ArrayList;
import java.util.List;
import org.hetermoe.channel.Phase;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Tensor;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.nn.ExpertBank;
import org.hetermoe.nn.ParameterSet;

/**
 * Takes experts to their new owners between two steps: weights and both moments, bit by bit.
 * Gradients are zero then and stay behind.
 *
 * <p>All workers go through the moves in one order and take their part in each, as giver or as
 * taker. So of the moves that are not done, the first always has both its workers waiting for
 * nothing else, and nobody waits for ever, however small the window.
 */
final class ExpertMoves {
  private final GroupLink link;
  private final VectorLink vectors;
  private final ExpertBank bank;

  /**
   * A worker's part in moves.
   *
   * @param bank the worker's experts
   */
  ExpertMoves(Compute compute, GroupLink link, ExpertBank bank) {
    this.link = link;
    this.vectors = new VectorLink(compute, link);
    this.bank = bank;
  }

  private record Move(int layer, int expert, WorkerRank from, WorkerRank to) {}

  /** Gives away and takes in what the change of placement asks of this worker. */
  void run(Placement before, Placement after) throws InterruptedException {
    for (Move move : moves(before, after)) {
      if (move.from.equals(link.self())) {
        give(move);
      } else if (move.to.equals(link.self())) {
        take(move);
      }
    }
  }

  private static List<Move> moves(Placement before, Placement after) {
    List<Move> moves = new ArrayList<>();
    for (int layer = 0; layer < before.layers(); layer++) {
      for (int expert = 0; expert < before.experts(); expert++) {
        WorkerRank from = before.owner(layer, expert);
        WorkerRank to = after.owner(layer, expert);
        if (!from.equals(to)) {
          moves.add(new Move(layer, expert, from, to));
        }
      }
    }
    return moves;
  }

  private void give(Move move) throws InterruptedException {
    List<Tensor> pieces = pieces(bank.parameters(move.layer, move.expert));
    for (int piece = 0; piece < pieces.size(); piece++) {
      int number = move.expert * pieces.size() + piece;
      vectors.send(move.to, Phase.EXPERT_STATE, move.layer, number, pieces.get(piece));
    }
    bank.remove(move.layer, move.expert);
  }

  private void take(Move move) throws InterruptedException {
    List<Tensor> pieces = pieces(bank.add(move.layer, move.expert));
    for (int piece = 0; piece < pieces.size(); piece++) {
      int number = move.expert * pieces.size() + piece;
      vectors.receive(move.from, Phase.EXPERT_STATE, move.layer, number, pieces.get(piece));
    }
  }

  private static List<Tensor> pieces(ParameterSet parameters) {
    List<Tensor> pieces = new ArrayList<>();
    for (Tensor vector : parameters.state()) {
      int count = Math.ceilDiv(Math.toIntExact(vector.shape().elements()), VectorLink.PIECE);
      for (int piece = 0; piece < count; piece++) {
        pieces.add(VectorLink.piece(vector, count, piece));
      }
    }
    return pieces;
  }
}
