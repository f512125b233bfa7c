package org.hetermoe.train;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What a worker tells attention worker 0 at the end of a step: its sum of cross entropies
 * (attention) or the squared gradient norm of each of its experts in canonical order (experts), and
 * how busy it was.
 *
 * @param busy share of the step that it computed
 * @param values the sums
 */
record StepReport(double busy, double[] values) {
  static int tableSize(int values) {
    return 2 * (1 + values);
  }

  int tableSize() {
    return tableSize(values.length);
  }

  void write(MemorySegment table) {
    table.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, 0, busy);
    for (int i = 0; i < values.length; i++) {
      table.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8L * (i + 1), values[i]);
    }
  }

  static StepReport read(MemorySegment table) {
    double[] values = new double[Math.toIntExact(table.byteSize() / 8) - 1];
    for (int i = 0; i < values.length; i++) {
      values[i] = table.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8L * (i + 1));
    }
    return new StepReport(table.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 0), values);
  }
}
