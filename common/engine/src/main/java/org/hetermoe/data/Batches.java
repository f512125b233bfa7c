package org.hetermoe.data;

import java.util.Objects;
import java.util.function.LongUnaryOperator;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.run.DataSpec;

/**
 * Sequences from packed tokens. The tokens are cut into windows of {@code sequence_length} tokens
 * and the one that follows; the last share of the windows is held out for evaluation, the others
 * are trained on in an order that is shuffled anew in every pass over them. Which window stands at
 * a position follows from seed and position alone, so training goes on anywhere without a state.
 *
 * <p>Safe for several threads, as long as the tokens are open.
 */
public final class Batches {
  private static final long ORDER_OF_EVALUATION = 0x6576616C75617465L;

  private final PackedTokens tokens;
  private final int length;
  private final long seed;
  private final long trainingWindows;
  private final long evaluationWindows;

  /**
   * Cuts tokens into windows.
   *
   * @param tokens stay open while batches are taken, and are closed by whoever opened them
   * @param data length of the sequences and share held out
   * @param seed decides the order
   * @throws InvalidFieldException about {@code data.source} if there are too few tokens for a
   *     sequence to train on and one to evaluate with
   */
  public Batches(PackedTokens tokens, DataSpec data, long seed) {
    this.tokens = tokens;
    this.length = data.sequenceLength();
    this.seed = seed;
    long windows = (tokens.size() - 1) / length;
    if (windows < 2) {
      throw new InvalidFieldException(
          "data.source",
          "has "
              + tokens.size()
              + " tokens, too few for one sequence to train on and one to evaluate with, which take "
              + (2L * length + 1)
              + "; name more text or a smaller data.sequence_length");
    }
    long heldOut = (long) Math.floor(windows * data.heldOut());
    this.evaluationWindows = Math.clamp(heldOut, 1, windows - 1);
    this.trainingWindows = windows - evaluationWindows;
  }

  /** Number of sequences that are trained on; a pass over the data. */
  public long trainingSequences() {
    return trainingWindows;
  }

  /** Number of sequences that are held out. */
  public int evaluationSequences() {
    return Math.clamp(evaluationWindows, 1, Integer.MAX_VALUE);
  }

  /**
   * Sequences to train on.
   *
   * @param firstPosition of the first one, counted from the start of training: steps done times
   *     sequences per step; any pass over the data
   * @param count how many
   */
  public SequenceBatch training(long firstPosition, int count) {
    Objects.checkFromIndexSize(firstPosition, count, Long.MAX_VALUE);
    return batch(firstPosition, count, new TrainingOrder());
  }

  /**
   * Held-out sequences, in an order of their own that is spread over all of them; the same ones
   * every time.
   *
   * @param first position of the first one
   * @param count how many
   * @throws IndexOutOfBoundsException if there are fewer; see {@link #evaluationSequences()}
   */
  public SequenceBatch evaluation(int first, int count) {
    Objects.checkFromIndexSize(first, count, evaluationSequences());
    Permutation order =
        new Permutation(evaluationWindows, Permutation.key(seed, ORDER_OF_EVALUATION));
    return batch(first, count, position -> trainingWindows + order.at(position));
  }

  private SequenceBatch batch(long first, int count, LongUnaryOperator windowAt) {
    int[] inputs = new int[Math.multiplyExact(count, length)];
    int[] targets = new int[inputs.length];
    for (int sequence = 0; sequence < count; sequence++) {
      long start = windowAt.applyAsLong(first + sequence) * length;
      tokens.copy(start, inputs, sequence * length, length);
      tokens.copy(start + 1, targets, sequence * length, length);
    }
    return new SequenceBatch(count, length, inputs, targets);
  }

  /** Every pass over the data has a permutation of its own. */
  private final class TrainingOrder implements LongUnaryOperator {
    private long pass = -1;
    private Permutation order;

    @Override
    public long applyAsLong(long position) {
      if (position / trainingWindows != pass) {
        pass = position / trainingWindows;
        order = new Permutation(trainingWindows, Permutation.key(seed, pass));
      }
      return order.at(position % trainingWindows);
    }
  }
}
