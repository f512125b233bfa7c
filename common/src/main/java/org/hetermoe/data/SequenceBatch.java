package org.hetermoe.data;

/**
 * Sequences of tokens, one after the other.
 *
 * @param sequences how many; may be zero
 * @param length tokens of each
 * @param inputs token ids [sequences, length], row-major
 * @param targets for every input the token that follows it, [sequences, length], row-major
 */
// An array is what the device interface uploads; a batch is made, used and dropped.
@SuppressWarnings("ArrayRecordComponent")
public record SequenceBatch(int sequences, int length, int[] inputs, int[] targets) {
  public SequenceBatch {
    int tokens = Math.multiplyExact(sequences, length);
    if (inputs.length != tokens || targets.length != tokens) {
      throw new IllegalArgumentException(
          "%d sequences of %d tokens, but %d inputs and %d targets"
              .formatted(sequences, length, inputs.length, targets.length));
    }
  }
}
