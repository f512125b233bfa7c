package org.hetermoe.train.step;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * What a rank tells attention rank 0 at the end of a step.
 *
 * @param times what it did with the step
 * @param crossEntropy sum over its tokens, nats; 0 from an expert rank
 * @param expertSquares squared gradient norm of each of its experts, in canonical order; with the
 *     scale of the loss
 * @param expertRows rows that each of its experts computed, in the same order
 */
public record StepReport(
    BusyShares.Times times, double crossEntropy, double[] expertSquares, long[] expertRows) {
  /** How it travels. */
  static final MessageCodec<StepReport> CODEC =
      new MessageCodec<>("step report", 1, StepReport::write, StepReport::read);

  private void write(DataOutput out) throws IOException {
    out.writeDouble(times.busy());
    out.writeDouble(times.attentionSeconds());
    out.writeDouble(times.expertSeconds());
    out.writeDouble(crossEntropy);
    out.writeInt(expertRows.length);
    for (int expert = 0; expert < expertRows.length; expert++) {
      out.writeDouble(expertSquares[expert]);
      out.writeLong(expertRows[expert]);
    }
  }

  private static StepReport read(DataInput in) throws IOException {
    BusyShares.Times times =
        new BusyShares.Times(in.readDouble(), in.readDouble(), in.readDouble());
    double crossEntropy = in.readDouble();
    int experts = in.readInt();
    double[] squares = new double[experts];
    long[] rows = new long[experts];
    for (int expert = 0; expert < experts; expert++) {
      squares[expert] = in.readDouble();
      rows[expert] = in.readLong();
    }
    return new StepReport(times, crossEntropy, squares, rows);
  }
}
