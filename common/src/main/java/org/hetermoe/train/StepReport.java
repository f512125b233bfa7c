package org.hetermoe.train;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What a worker tells attention worker 0 at the end of a step.
 *
 * @param busy share of the step that it computed
 * @param crossEntropy sum over its tokens, nats; 0 from an expert worker
 * @param expertSquares squared gradient norm of each of its experts, in canonical order
 */
record StepReport(double busy, double crossEntropy, double[] expertSquares) {
  private static final int FIRST_EXPERT = 2 * Double.BYTES;

  /** Integers that {@link #write} needs. */
  int tableSize() {
    return FIRST_EXPERT / Integer.BYTES + 2 * expertSquares.length;
  }

  void write(MemorySegment table) {
    table.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, 0, busy);
    table.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8, crossEntropy);
    MemorySegment.copy(
        expertSquares,
        0,
        table,
        ValueLayout.JAVA_DOUBLE_UNALIGNED,
        FIRST_EXPERT,
        expertSquares.length);
  }

  static StepReport read(MemorySegment table) {
    return new StepReport(
        table.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 0),
        table.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8),
        table.asSlice(FIRST_EXPERT).toArray(ValueLayout.JAVA_DOUBLE_UNALIGNED));
  }
}
