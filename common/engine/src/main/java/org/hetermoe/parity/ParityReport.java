package org.hetermoe.parity;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.hetermoe.parity.ParityCase.Reference;

/**
 * How far the computed numbers are from the reference.
 *
 * @param rows one for each reference tensor
 */
public record ParityReport(List<Row> rows) {
  /** Errors must be below this. */
  public static final double TOLERANCE = 1e-5;

  public ParityReport {
    rows = List.copyOf(rows);
  }

  /**
   * One tensor.
   *
   * @param error largest difference relative to the tensor's largest magnitude; for losses of
   *     steps, the largest relative difference of any step; infinite where there is nothing to
   *     compare
   */
  public record Row(String name, double error) {
    /** Whether it is close enough. */
    public boolean passes() {
      return error < TOLERANCE;
    }
  }

  /** Whether everything is close enough. */
  public boolean passes() {
    return !rows.isEmpty() && rows.stream().allMatch(Row::passes);
  }

  static ParityReport compare(Map<String, Reference> expected, Map<String, float[]> computed) {
    List<Row> rows = new ArrayList<>();
    expected.forEach(
        (name, reference) -> rows.add(new Row(name, error(name, reference, computed.get(name)))));
    return new ParityReport(rows);
  }

  private static double error(String name, Reference reference, float[] computed) {
    float[] wanted = reference.values();
    if (computed == null || computed.length != wanted.length) {
      return Double.POSITIVE_INFINITY;
    }
    double largest = 0;
    for (float value : wanted) {
      largest = Math.max(largest, Math.abs(value));
    }
    double worst = 0;
    for (int i = 0; i < wanted.length; i++) {
      double scale = name.equals(ParityRun.LOSSES) ? Math.abs(wanted[i]) : largest;
      double difference = Math.abs((double) computed[i] - wanted[i]);
      double error = scale == 0 ? difference : difference / scale;
      worst = Double.isNaN(error) ? Double.POSITIVE_INFINITY : Math.max(worst, error);
    }
    return worst;
  }
}
