package org.hetermoe.train.expert;

import org.hetermoe.compute.Tensor;

/**
 * What one attention rank sent to the experts of a layer here.
 *
 * @param counts assignments of each expert here, experts ascending
 * @param rows per assignment, the row of {@code tokens}; assignments by expert, then by token
 * @param tokens [t,H]
 */
public record Delivery(int[] counts, int[] rows, Tensor tokens) {
  /** Number of assignments, A. */
  public int assignments() {
    return rows.length;
  }
}
