package org.hetermoe.compute;

import java.util.Arrays;
import java.util.List;

/** Prints a hash of the bits of each of a few operations: what two processes must agree on. */
final class BitsPrinter {
  private BitsPrinter() {}

  /** Small enough for the interpreter; whole registers, tails and several rows all the same. */
  static List<OperationCase> cases() {
    return OperationCase.all().stream()
        .filter(
            operation ->
                Arrays.asList(
                        "linear [13,29]x[37,29]",
                        "linearBackward [13,29]x[37,29]",
                        "embed [130] of [17,96]",
                        "rmsNorm [13,61]",
                        "crossEntropy [13,61]",
                        "columnSums [13,61]",
                        "gather and combine [13,61]",
                        "rope [13,2*40]",
                        "route [13,19] top 3",
                        "fill, copy, add [1547]",
                        "swiGlu [1547]",
                        "adamW and sumOfSquares [1547]",
                        "attention " + new AttentionShape(2, 67, 3, 1, 32))
                    .contains(operation.name()))
        .toList();
  }

  static String line(OperationCase operation, Compute compute) {
    int hash = 0;
    for (float[] output : operation.run(compute)) {
      hash = 31 * hash + Arrays.hashCode(output); // hashes the bits of each float
    }
    return operation.name() + " " + Integer.toHexString(hash);
  }

  public static void main(String[] args) {
    try (Compute compute = Devices.open("cpu", 1)) {
      for (OperationCase operation : cases()) {
        System.out.print(line(operation, compute) + "\n");
      }
    }
  }
}
