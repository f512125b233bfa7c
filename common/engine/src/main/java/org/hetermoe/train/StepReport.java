package org.hetermoe.train;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What a worker tells attention worker 0 at the end of a step.
 *
 * @param times what it did with the step
 * @param crossEntropy sum over its tokens, nats; 0 from an expert worker
 * @param expertSquares squared gradient norm of each of its experts, in canonical order
 * @param expertRows rows that each of its experts computed, in the same order
 */
record StepReport(
    WorkClock.Times times, double crossEntropy, double[] expertSquares, long[] expertRows) {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;

  private static final int EXPERTS_AT = 4 * Double.BYTES;

  /** Integers that {@link #write} needs. */
  int tableSize() {
    return (EXPERTS_AT + (Double.BYTES + Long.BYTES) * expertRows.length) / Integer.BYTES;
  }

  void write(MemorySegment table) {
    table.set(DOUBLE, 0, times.busy());
    table.set(DOUBLE, 8, times.attentionSeconds());
    table.set(DOUBLE, 16, times.expertSeconds());
    table.set(DOUBLE, 24, crossEntropy);
    int experts = expertRows.length;
    MemorySegment.copy(expertSquares, 0, table, DOUBLE, EXPERTS_AT, experts);
    long rowsAt = EXPERTS_AT + (long) Double.BYTES * experts;
    MemorySegment.copy(expertRows, 0, table, LONG, rowsAt, experts);
  }

  static StepReport read(MemorySegment table) {
    MemorySegment experts = table.asSlice(EXPERTS_AT);
    long half = experts.byteSize() / 2;
    return new StepReport(
        new WorkClock.Times(table.get(DOUBLE, 0), table.get(DOUBLE, 8), table.get(DOUBLE, 16)),
        table.get(DOUBLE, 24),
        experts.asSlice(0, half).toArray(DOUBLE),
        experts.asSlice(half).toArray(LONG));
  }
}
