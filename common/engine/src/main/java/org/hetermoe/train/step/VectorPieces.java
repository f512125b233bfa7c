package org.hetermoe.train.step;

import org.hetermoe.compute.Tensor;
import org.hetermoe.schedule.Split;
import org.hetermoe.tensor.Shape;

/** Cuts device vectors, which may be long, into pieces that fit into frames. */
public final class VectorPieces {
  /** Elements of a piece, at most. */
  private static final int ELEMENTS = 1 << 20;

  private VectorPieces() {}

  /** How many pieces a vector needs. */
  public static int count(Tensor vector) {
    return Math.ceilDiv(Math.toIntExact(vector.shape().elements()), ELEMENTS);
  }

  /** One of {@code pieces} pieces of a vector, nearly equal in length. */
  public static Tensor piece(Tensor vector, int pieces, int piece) {
    Split range = Split.of(Math.toIntExact(vector.shape().elements()), pieces, piece);
    return vector.view(range.from(), Shape.of(range.count()));
  }
}
