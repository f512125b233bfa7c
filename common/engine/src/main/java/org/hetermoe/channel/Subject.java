package org.hetermoe.channel;

/** Which of the frames of a phase, within a step and from one sender. */
public sealed interface Subject {
  /**
   * Of a layer and a micro-batch.
   *
   * @param layer expert layer, from 0; 0 where all layers are meant
   * @param microBatch micro-batch within the step or the evaluation, from 0
   */
  record MicroBatch(int layer, int microBatch) implements Subject {}

  /**
   * A piece of a vector.
   *
   * @param number of the piece, from 0
   */
  record Piece(int number) implements Subject {}

  /**
   * A piece of an expert's state.
   *
   * @param layer expert layer, from 0
   * @param expert of the layer, from 0
   * @param piece number of the piece, from 0
   */
  record ExpertPiece(int layer, int expert, int piece) implements Subject {}

  /** There is one of its phase only. */
  enum Whole implements Subject {
    /** The only one. */
    WHOLE
  }

  /** Numbers of a subject on the wire. */
  int NUMBERS = 3;

  /** The numbers on the wire; those that a subject does not have are 0. */
  default int[] numbers() {
    return switch (this) {
      case MicroBatch(int layer, int microBatch) -> new int[] {layer, microBatch, 0};
      case Piece(int number) -> new int[] {number, 0, 0};
      case ExpertPiece(int layer, int expert, int piece) -> new int[] {layer, expert, piece};
      case Whole whole -> new int[NUMBERS];
    };
  }

  /** The subject of a phase with those numbers. */
  static Subject of(Phase phase, int first, int second, int third) {
    Class<? extends Subject> kind = phase.subject();
    if (kind == MicroBatch.class) {
      return new MicroBatch(first, second);
    }
    if (kind == Piece.class) {
      return new Piece(first);
    }
    return kind == ExpertPiece.class ? new ExpertPiece(first, second, third) : Whole.WHOLE;
  }
}
