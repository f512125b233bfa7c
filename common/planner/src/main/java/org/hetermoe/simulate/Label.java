package org.hetermoe.simulate;

import org.hetermoe.schedule.Task.Direction;

/**
 * What an operation or a message of a step is.
 *
 * @param kind of work or traffic
 * @param layer attention stage, expert layer or pipeline stage; 0 where there is none
 * @param microBatch from 0; 0 where the whole step is meant
 * @param direction forward or backward; forward where there is none
 */
public record Label(Kind kind, int layer, int microBatch, Direction direction) {
  /** Kinds of work and traffic. */
  public enum Kind {
    /** Attention side of a layer. */
    ATTENTION,
    /** Experts of a layer. */
    EXPERTS,
    /** Final norm, head and loss. */
    HEAD,
    /** Layers of a pipeline stage. */
    STAGE,
    /** Reduction of gradients among replicas. */
    REDUCE,
    /** The optimizer's step. */
    OPTIMIZER,
    /** Rows on their way to experts. */
    DISPATCH,
    /** Rows on their way back from experts. */
    COMBINE,
    /** Rows on their way to the next pipeline stage. */
    TRANSFER
  }

  private static final Kind[] KINDS = Kind.values();
  private static final int LAYER_BITS = 12;
  private static final int MICRO_BATCH_BITS = 14;

  /** The label as a number. */
  @SuppressWarnings("EnumOrdinal") // never stored
  static int code(Kind kind, int layer, int microBatch, Direction direction) {
    return ((kind.ordinal() << LAYER_BITS | layer) << MICRO_BATCH_BITS | microBatch) << 1
        | direction.ordinal();
  }

  /** The label of a number. */
  static Label of(int code) {
    return new Label(
        KINDS[code >>> (1 + MICRO_BATCH_BITS + LAYER_BITS)],
        code >>> (1 + MICRO_BATCH_BITS) & (1 << LAYER_BITS) - 1,
        code >>> 1 & (1 << MICRO_BATCH_BITS) - 1,
        (code & 1) == 0 ? Direction.FORWARD : Direction.BACKWARD);
  }

  @Override
  public String toString() {
    String name =
        switch (kind) {
          case ATTENTION, HEAD -> "A";
          case EXPERTS -> "E";
          case STAGE -> "S";
          case DISPATCH -> "D";
          case COMBINE -> "C";
          case TRANSFER -> "T";
          case REDUCE -> "reduce";
          case OPTIMIZER -> "optimizer";
        };
    return switch (kind) {
      case REDUCE, OPTIMIZER -> name;
      default ->
          (direction == Direction.FORWARD ? name : name.toLowerCase(java.util.Locale.ROOT))
              + layer
              + "."
              + microBatch;
    };
  }
}
