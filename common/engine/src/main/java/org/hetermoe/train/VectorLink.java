package org.hetermoe.train;

import org.hetermoe.channel.Frame;
import org.hetermoe.channel.Phase;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Tensor;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.schedule.Split;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/** Sends device vectors over a worker's channel. Long ones go in pieces. */
final class VectorLink {
  /** Elements of a piece, at most: 4 MiB. */
  static final int PIECE = 1 << 20;

  private final Compute compute;
  private final GroupLink link;

  VectorLink(Compute compute, GroupLink link) {
    this.compute = compute;
    this.link = link;
  }

  /** One of {@code pieces} pieces of a vector, nearly equal in length. */
  static Tensor piece(Tensor vector, int pieces, int piece) {
    Split range = Split.of(Math.toIntExact(vector.shape().elements()), pieces, piece);
    return vector.view(range.from(), Shape.of(range.count()));
  }

  void send(WorkerRank receiver, Phase phase, int layer, int number, Tensor values)
      throws InterruptedException {
    Frame frame = link.frame(phase, layer, number, 0, values.shape());
    try (Tensor target = compute.map(frame.data(), DType.F32, values.shape())) {
      compute.copy(values, target);
      compute.synchronize();
    }
    link.send(receiver, frame);
  }

  /** Overwrites {@code target} with what a peer sent. */
  void receive(WorkerRank sender, Phase phase, int layer, int number, Tensor target)
      throws InterruptedException {
    try (Frame frame = link.receive(phase, layer, number, sender);
        Tensor received = compute.map(frame.data(), DType.F32, target.shape())) {
      compute.copy(received, target);
      compute.synchronize();
    }
  }
}
