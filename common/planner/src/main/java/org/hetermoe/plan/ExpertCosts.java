package org.hetermoe.plan;

/**
 * Seconds of one expert by the rows it computes: a straight line through the operating point, the
 * mean rows of an expert in a micro-batch. An expert without rows takes no time.
 *
 * @param fixed per expert and micro-batch, however few the rows
 * @param perRow per assignment
 */
public record ExpertCosts(Passes fixed, Passes perRow) {
  /** Forward seconds of an expert. */
  public double forward(double rows) {
    return rows > 0 ? fixed.forward() + rows * perRow.forward() : 0;
  }

  /** Backward seconds of an expert. */
  public double backward(double rows) {
    return rows > 0 ? fixed.backward() + rows * perRow.backward() : 0;
  }
}
