package org.hetermoe.train.expert;

import java.util.ArrayList;
import java.util.List;
import org.hetermoe.channel.Phase;
import org.hetermoe.channel.Subject;
import org.hetermoe.compute.Tensor;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.nn.ExpertBank;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.train.step.RankChannel;
import org.hetermoe.train.step.VectorPieces;

/**
 * Takes experts to their new owners between two steps: weights and both moments, bit by bit.
 * Gradients are zero then and stay behind.
 *
 * <p>All workers go through the moves in one order and take their part in each, as giver or as
 * taker. So of the moves that are not done, the first always has both its workers waiting for
 * nothing else, and nobody waits for ever, however small the window.
 */
final class ExpertMoves {
  private final RankChannel channel;
  private final ExpertBank bank;

  /**
   * A rank's part in moves.
   *
   * @param bank the rank's experts
   */
  ExpertMoves(RankChannel channel, ExpertBank bank) {
    this.channel = channel;
    this.bank = bank;
  }

  private record Move(int layer, int expert, WorkerRank from, WorkerRank to) {
    Subject piece(int number) {
      return new Subject.ExpertPiece(layer, expert, number);
    }
  }

  /** Gives away and takes in what the change of placement asks of this worker. */
  void run(Placement before, Placement after) throws InterruptedException {
    for (Move move : moves(before, after)) {
      if (move.from.equals(channel.self())) {
        give(move);
      } else if (move.to.equals(channel.self())) {
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
      channel.send(move.to, Phase.EXPERT_STATE, move.piece(piece), pieces.get(piece));
    }
    bank.remove(move.layer, move.expert);
  }

  private void take(Move move) throws InterruptedException {
    ParameterSet parameters = bank.add(move.layer, move.expert);
    List<Tensor> pieces = pieces(parameters);
    for (int piece = 0; piece < pieces.size(); piece++) {
      channel.receive(move.from, Phase.EXPERT_STATE, move.piece(piece), pieces.get(piece));
    }
    parameters.refreshValues();
  }

  private static List<Tensor> pieces(ParameterSet parameters) {
    List<Tensor> pieces = new ArrayList<>();
    for (Tensor vector : parameters.state()) {
      int count = VectorPieces.count(vector);
      for (int piece = 0; piece < count; piece++) {
        pieces.add(VectorPieces.piece(vector, count, piece));
      }
    }
    return pieces;
  }
}
