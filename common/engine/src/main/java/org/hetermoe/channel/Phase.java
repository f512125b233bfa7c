package org.hetermoe.channel;

import java.util.Optional;

/**
 * What a frame carries, and so what its {@link Subject} is. The code is on the wire: never
 * renumber.
 */
public enum Phase {
  /** Token rows for experts; from an attention worker to the experts' owner. */
  DISPATCH(1, Subject.MicroBatch.class),
  /** Expert outputs, a row an assignment; from the experts' owner to an attention worker. */
  COMBINE(2, Subject.MicroBatch.class),
  /** Gradients of the layer's output rows; from an attention worker to the experts' owner. */
  DISPATCH_GRADIENT(3, Subject.MicroBatch.class),
  /** Gradients of the token rows, a row an assignment; from the experts' owner back. */
  COMBINE_GRADIENT(4, Subject.MicroBatch.class),
  /** Router statistics of a micro-batch over all layers, between attention workers. */
  ROUTER_STATISTICS(5, Subject.MicroBatch.class),
  /** A piece of the attention gradients on its way to the replica that sums it. */
  REDUCE(6, Subject.Piece.class),
  /** A summed piece of the attention gradients on its way back. */
  GATHER(7, Subject.Piece.class),
  /** Squared gradient norms and losses of a worker, to attention worker 0. */
  STEP_REPORT(8, Subject.Whole.class),
  /** Clipping coefficient and what follows the step, from attention worker 0 to all. */
  STEP_DECISION(9, Subject.Whole.class),
  /** Weights and moments of an expert, from its owner to its next one. */
  EXPERT_STATE(10, Subject.ExpertPiece.class),
  /** Token rows of held-out sequences; as {@link #DISPATCH}. */
  EVALUATION_DISPATCH(11, Subject.MicroBatch.class),
  /** Expert outputs of held-out sequences; as {@link #COMBINE}. */
  EVALUATION_COMBINE(12, Subject.MicroBatch.class),
  /** Cross entropy of an attention worker's held-out sequences, to attention worker 0. */
  EVALUATION_REPORT(13, Subject.Whole.class),
  /** That a worker has given and taken its experts, to attention worker 0. */
  MOVE_REPORT(14, Subject.Whole.class);

  private final int code;
  private final Class<? extends Subject> subject;

  Phase(int code, Class<? extends Subject> subject) {
    this.code = code;
    this.subject = subject;
  }

  /** The number on the wire. */
  public int code() {
    return code;
  }

  /** What frames of this phase are about. */
  Class<? extends Subject> subject() {
    return subject;
  }

  /** The phase with that number on the wire; empty if there is none. */
  public static Optional<Phase> ofCode(int code) {
    for (Phase phase : values()) {
      if (phase.code == code) {
        return Optional.of(phase);
      }
    }
    return Optional.empty();
  }
}
