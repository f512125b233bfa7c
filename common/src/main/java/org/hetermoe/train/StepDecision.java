package org.hetermoe.train;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What attention worker 0 makes of all reports at the end of a step, and tells everybody.
 *
 * @param gradientNorm global, before clipping
 * @param clip factor on all gradients
 * @param last whether this step is the last
 * @param evaluationSequences held-out sequences to evaluate after this step; 0 for none
 * @param checkpoint whether to store a checkpoint after this step
 */
record StepDecision(
    double gradientNorm, double clip, boolean last, int evaluationSequences, boolean checkpoint) {
  static final int TABLE_SIZE = 2 * 5;

  /** What follows the step. */
  StepPolicy.AfterStep after() {
    return new StepPolicy.AfterStep(last, evaluationSequences, checkpoint);
  }

  void write(MemorySegment table) {
    table.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, 0, gradientNorm);
    table.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8, clip);
    table.set(ValueLayout.JAVA_LONG_UNALIGNED, 16, last ? 1 : 0);
    table.set(ValueLayout.JAVA_LONG_UNALIGNED, 24, evaluationSequences);
    table.set(ValueLayout.JAVA_LONG_UNALIGNED, 32, checkpoint ? 1 : 0);
  }

  static StepDecision read(MemorySegment table) {
    return new StepDecision(
        table.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 0),
        table.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8),
        table.get(ValueLayout.JAVA_LONG_UNALIGNED, 16) != 0,
        Math.toIntExact(table.get(ValueLayout.JAVA_LONG_UNALIGNED, 24)),
        table.get(ValueLayout.JAVA_LONG_UNALIGNED, 32) != 0);
  }
}
