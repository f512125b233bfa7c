package org.hetermoe.run;

import org.hetermoe.model.InvalidFieldException;

/**
 * Where the text comes from and how it becomes sequences.
 *
 * @param source {@code jdk} (the java.util sources of the JDK it runs on), or a text file, folder,
 *     glob, zip or JSON-lines file
 * @param tokenizer {@code bytes}, or the path of a Hugging Face {@code tokenizer.json}
 * @param sequenceLength tokens per sequence
 * @param heldOut share of the sequences kept for evaluation
 */
public record DataSpec(String source, String tokenizer, int sequenceLength, double heldOut) {
  private static final int MOST_TOKENS = 1 << 24;

  public DataSpec {
    check(!source.isBlank(), "source", "must name a text file, folder, glob, zip or 'jdk'");
    check(!tokenizer.isBlank(), "tokenizer", "must be 'bytes' or the path of a tokenizer.json");
    check(sequenceLength >= 1, "sequence_length", "must be at least 1, is " + sequenceLength);
    check(
        sequenceLength <= MOST_TOKENS,
        "sequence_length",
        "must be at most " + MOST_TOKENS + ", is " + sequenceLength);
    check(heldOut > 0 && heldOut < 1, "held_out", "must lie between 0 and 1, is " + heldOut);
  }

  private static void check(boolean valid, String field, String problem) {
    if (!valid) {
      throw new InvalidFieldException("data." + field, problem);
    }
  }
}
