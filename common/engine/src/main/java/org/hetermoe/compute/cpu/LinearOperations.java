package org.hetermoe.compute.cpu;

import java.util.List;
import org.hetermoe.compute.Groups;
import org.hetermoe.compute.Operands;
import org.hetermoe.compute.Tensor;

/** Linear layers, of one weight or of one for each group of rows. */
final class LinearOperations {
  private final MatrixProducts products;

  LinearOperations(TileRunner runner) {
    this.products = new MatrixProducts(runner);
  }

  void linear(Tensor x, Tensor w, Tensor y) {
    Operands.linear(x, w, y);
    groupedLinear(x, all(x), List.of(w), y);
  }

  void linearBackwardInput(Tensor dy, Tensor w, Tensor dx, boolean accumulate) {
    Operands.linear(dx, w, dy);
    groupedLinearBackwardInput(dy, all(dy), List.of(w), dx, accumulate);
  }

  void linearBackwardWeight(Tensor dy, Tensor x, Tensor dw) {
    Operands.linear(x, dw, dy);
    groupedLinearBackwardWeight(dy, x, all(x), List.of(dw));
  }

  void groupedLinear(Tensor x, Groups groups, List<Tensor> w, Tensor y) {
    Operands.groupedLinear(x, groups, w, y);
    products.forward(
        Addresses.of(x),
        groups,
        Addresses.of(w),
        Addresses.of(y),
        x.shape().columns(),
        y.shape().columns());
  }

  void groupedLinearBackwardInput(
      Tensor dy, Groups groups, List<Tensor> w, Tensor dx, boolean accumulate) {
    Operands.groupedLinear(dx, groups, w, dy);
    products.backwardInput(
        Addresses.of(dy),
        groups,
        Addresses.of(w),
        Addresses.of(dx),
        accumulate,
        dx.shape().columns(),
        dy.shape().columns());
  }

  void groupedLinearBackwardWeight(Tensor dy, Tensor x, Groups groups, List<Tensor> dw) {
    Operands.groupedLinear(x, groups, dw, dy);
    products.backwardWeight(
        Addresses.of(dy),
        Addresses.of(x),
        groups,
        Addresses.of(dw),
        x.shape().columns(),
        dy.shape().columns());
  }

  private static Groups all(Tensor x) {
    return Groups.ofSizes(x.shape().rows());
  }
}
