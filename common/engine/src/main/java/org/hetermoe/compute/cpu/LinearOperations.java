package org.hetermoe.compute.cpu;

import java.util.List;
import java.util.Optional;
import org.hetermoe.compute.Groups;
import org.hetermoe.compute.Operands;
import org.hetermoe.compute.Tensor;
import org.hetermoe.tensor.DType;

/** Linear layers, of one weight or of one for each group of rows. */
final class LinearOperations {
  private final ShortTypes types;
  private final MatrixProducts products;
  private final Optional<ShortProducts> shortProducts;

  LinearOperations(TileRunner runner, ShortTypes types) {
    this.types = types;
    this.products = new MatrixProducts(runner);
    this.shortProducts = types.product().map(product -> new ShortProducts(product, runner));
  }

  void linear(Tensor x, Tensor w, Tensor y) {
    Operands.linear(x, w, y);
    multiply(x, all(x), List.of(w), y);
  }

  void linearBackwardInput(Tensor dy, Tensor w, Tensor dx, boolean accumulate) {
    Operands.linearBackwardInput(dy, w, dx);
    groupedLinearBackwardInput(dy, all(dy), List.of(w), dx, accumulate);
  }

  void linearBackwardWeight(Tensor dy, Tensor x, Tensor dw) {
    Operands.linearBackwardWeight(dy, x, dw);
    groupedLinearBackwardWeight(dy, x, all(x), List.of(dw));
  }

  void groupedLinear(Tensor x, Groups groups, List<Tensor> w, Tensor y) {
    Operands.groupedLinear(x, groups, w, y);
    multiply(x, groups, w, y);
  }

  private void multiply(Tensor x, Groups groups, List<Tensor> w, Tensor y) {
    if (x.dtype() != DType.F32) {
      Elements of = types.elements(x);
      shortProducts
          .orElseThrow()
          .forward(
              of,
              groups,
              types.elements(w),
              types.elements(y),
              x.shape().columns(),
              y.shape().columns());
      return;
    }
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
    Operands.groupedLinearBackwardInput(dy, groups, w, dx);
    if (dy.dtype() != DType.F32) {
      Elements of = types.elements(dy);
      shortProducts
          .orElseThrow()
          .backwardInput(
              of,
              groups,
              types.elements(w),
              types.elements(dx),
              accumulate,
              dx.shape().columns(),
              dy.shape().columns());
      return;
    }
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
    Operands.groupedLinearBackwardWeight(dy, x, groups, dw);
    if (dy.dtype() != DType.F32) {
      Elements of = types.elements(dy);
      shortProducts
          .orElseThrow()
          .backwardWeight(
              of,
              types.elements(x),
              groups,
              types.elements(dw),
              x.shape().columns(),
              dy.shape().columns());
      return;
    }
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
