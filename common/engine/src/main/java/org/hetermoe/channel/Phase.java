package org.hetermoe.channel;

import java.util.Optional;

/** What a frame carries. The code is on the wire: never renumber. */
public enum Phase {
  /** Token rows for experts; from an attention worker to the experts' owner. */
  DISPATCH(1),
  /** Expert outputs, a row an assignment; from the experts' owner to an attention worker. */
  COMBINE(2),
  /** Gradients of the layer's output rows; from an attention worker to the experts' owner. */
  DISPATCH_GRADIENT(3),
  /** Gradients of the token rows, a row an assignment; from the experts' owner back. */
  COMBINE_GRADIENT(4),
  /** Router statistics of a micro-batch, between attention workers. */
  ROUTER_STATISTICS(5),
  /** A piece of the attention gradients on its way to the replica that sums it. */
  REDUCE(6),
  /** A summed piece of the attention gradients on its way back. */
  GATHER(7),
  /** Squared gradient norms and losses of a worker, to attention worker 0. */
  STEP_REPORT(8),
  /** Clipping coefficient and what follows the step, from attention worker 0 to all. */
  STEP_DECISION(9),
  /** Weights and moments of an expert, from its owner to its next one. */
  EXPERT_STATE(10);

  private final int code;

  Phase(int code) {
    this.code = code;
  }

  /** The number on the wire. */
  public int code() {
    return code;
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
